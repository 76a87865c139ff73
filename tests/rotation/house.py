"""A house of its own, as production has it: PostgreSQL, Redis, Vault, a mail server, Granian with two
processes, and a worker; every secret stands in a file or in Vault.
"""

import json
import os
import re
import secrets
import shlex
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from redis import Redis

from tests.apps.recovery.copies import Cluster, empty_cluster
from tests.conformance.server import wait_for
from tests.practices import ROOT
from tests.rotation.load import Load
from tests.rotation.outside import Balancer, PostOffice, serving
from tests.saas.persistence.providers.houses import VaultHouse, open_house
from tests.servers.keeper import first_that_starts
from tests.servers.places import give_away

OPERATORS = {"ann": "--by", "bob": "--approved-by"}
PATIENCE = 90  # seconds for a server to begin or to end


def key() -> str:
    """Thirty-two random bytes."""
    return b64encode(secrets.token_bytes(32)).decode()


class House:
    """Its processes, and what an operator does to them."""

    def __init__(self, folder: Path, cluster: Cluster, redis: str, vault: VaultHouse) -> None:
        self.folder, self.cluster, self.vault = folder, cluster, vault
        self.office: PostOffice
        self.balancer: Balancer
        self.servers: dict[int, subprocess.Popen[bytes]] = {}  # by their ports
        self.workers: list[subprocess.Popen[bytes]] = []
        self.redis = urlsplit(redis)
        self.done: list[str] = []  # the commands that were run
        self.log = folder / "server.log"
        self.environment = {
            **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME")},
            "DJANGO_SETTINGS_MODULE": "tests.rotation.settings",
            "ALLOWED_HOSTS": "127.0.0.1,testserver",
            "SAAS_TRUSTED_PROXIES": "127.0.0.1/32",
            "SAAS_CHECKPOINT_DIR": str(folder / "checkpoints"),
        }

    @property
    def address(self) -> str:
        """Where everybody calls."""
        return self.balancer.address

    def keep(self, name: str, value: str) -> None:
        """Put a secret into its file, in one step."""
        path = self.folder / name
        path.with_suffix(".next").write_text(value + "\n")
        os.replace(path.with_suffix(".next"), path)
        self.environment[f"{name}_FILE"] = str(path)

    def kept(self, name: str) -> str:
        """What stands there."""
        return (self.folder / name).read_text().strip()

    def manage(self, *words: str) -> str:
        """A command of the operator, who alone has the owner's and the backup's passwords."""
        self.done.append(" ".join(words))
        more = {f"{name}_FILE": str(self.folder / name) for name in OF_OPERATORS}
        return self.run(["manage.py", *words], self.environment | more)

    def signed(self, *words: str) -> str:
        """A command that two operators answer for: each signs what it says that it wants."""
        words += tuple(f"{flag}={name}" for name, flag in OPERATORS.items())
        command = [sys.executable, "manage.py", *words]
        asked = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True
        )
        [text] = re.findall("manage.py approve (.*) --key FILE", asked.stderr)
        [text] = shlex.split(text)
        keys = [f"--key={self.folder / name}.key" for name in OPERATORS]
        signed = [self.manage("approve", text, key).strip() for key in keys]
        return self.manage(*words, *(f"--approval={one}" for one in signed))

    def run(self, command: list[str], environment: dict[str, str]) -> str:
        """Python, to its end."""
        ended = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def start(self) -> None:
        """As deploy/Dockerfile starts it, behind the balancer."""
        with socket.create_server(("127.0.0.1", 0)) as spare:
            port = spare.getsockname()[1]
        options = ["--interface", "wsgi", "--workers", "2", "--blocking-threads", "4"]
        options += ["--workers-kill-timeout", "5"]  # one can miss that it is to end
        command = ["-m", "config.serve", *options, "--port", str(port), "config.wsgi:application"]
        self.servers[port] = self.started(command)
        wait_for(self.servers[port], f"http://127.0.0.1:{port}/health/ready", self.log)
        self.balancer.behind.append(port)
        self.workers.append(self.started(["manage.py", "worker"]))

    def started(self, command: list[str]) -> "subprocess.Popen[bytes]":
        """A process that goes on."""
        with self.log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=output,
            )

    def replace(self, load: Load) -> None:
        """Another server and another worker beside those that are there; for a while both are
        asked, then the former ones end. Whoever begins reads its secrets anew.
        """
        [former] = self.balancer.behind
        self.start()
        load.settle()
        self.balancer.behind.remove(former)
        deadline = time.monotonic() + PATIENCE
        while self.balancer.open[former]:
            assert time.monotonic() < deadline, "somebody does not leave"
            time.sleep(0.05)
        ended(self.servers.pop(former))
        ended(self.workers.pop(0))

    def stop(self) -> None:
        """All of it."""
        for process in (*self.servers.values(), *self.workers):
            ended(process)

    def store(self, password: str) -> "Redis[bytes]":
        """Redis, as who shows this password; on another connection than the house's."""
        return Redis(host="127.0.0.1", port=self.redis.port or 0, password=password)


OF_OPERATORS = ("DATABASE_OWNER_URL", "DATABASE_BACKUP_URL")


@contextmanager
def furnished(folder: Path) -> Iterator[tuple[House, dict[str, Any]]]:
    """A house that serves, and what its callers hold."""
    with ExitStack() as stack:
        cluster = stack.enter_context(empty_cluster())
        home = folder / "redis"
        home.mkdir()
        give_away(home)
        _, told = first_that_starts("Redis", home, stack)
        vault = VaultHouse()
        address = stack.enter_context(open_house(vault))
        house = House(folder, cluster, told["REDIS_URL"], vault)
        house.office = stack.enter_context(serving(PostOffice(mail := key())))
        house.balancer = stack.enter_context(serving(Balancer()))
        vault.kept["mail"] = {"password": mail}
        house.keep("VAULT_TOKEN", vault.tokens[0])
        with Redis(host="127.0.0.1", port=house.redis.port or 0) as store:
            store.acl_setuser(
                "default", enabled=True, reset_passwords=True, passwords=["+" + (counted := key())]
            )
        house.environment |= {
            "SAAS_ORIGIN": house.address,
            "VAULT_ADDR": address,
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": str(house.office.port),
            "EMAIL_HOST_USER": "strongroom",
            "EMAIL_HOST_PASSWORD_FROM": "vault:secret/mail#password",
        }
        password = urlsplit(cluster.urls["DATABASE_URL"]).password or ""
        for name, value in {
            "SECRET_KEY": secrets.token_urlsafe(50),
            "SECRET_KEY_FALLBACKS": "",
            "SAAS_PEPPER": key(),
            "SAAS_PEPPER_PREVIOUS": "",
            "SAAS_KEK": key(),
            "REDIS_URL": redis_url(house, counted),
            "DATABASE_URL": cluster.urls["DATABASE_URL"].replace(f":{password}@", ":of-no-use@"),
            "DATABASE_PASSWORD": password,
            "DATABASE_OWNER_URL": cluster.urls["DATABASE_OWNER_URL"],
            "DATABASE_BACKUP_URL": cluster.urls["DATABASE_BACKUP_URL"],
        }.items():
            house.keep(name, value)
        for name in OF_OPERATORS:
            del house.environment[f"{name}_FILE"]
        hired = [
            f"{name}={house.manage('approve', '--new', f'--key={folder / name}.key').strip()}"
            for name in OPERATORS
        ]
        house.environment["SAAS_OPERATOR_KEYS"] = ",".join(hired)
        for line in house.manage("make_checkpoint_key").split():
            house.keep(*line.split("=", 1))
        house.environment["SAAS_OIDC_KEYS_FILE"] = str(folder / "SAAS_OIDC_KEYS")
        house.manage("rotate_oidc_keys")
        house.manage("migrate", "--verbosity=0")
        *_, told = house.run(["-m", "tests.rotation.seed"], house.environment).splitlines()
        held = json.loads(told)  # the lines before it are of the access log
        try:
            house.start()
            yield house, held
        finally:
            house.stop()


def ended(process: "subprocess.Popen[bytes]") -> None:
    """A process that was asked to."""
    process.terminate()
    process.wait(PATIENCE)


def redis_url(house: House, password: str) -> str:
    """With the password in it."""
    return f"redis://:{password.replace('/', '%2F').replace('+', '%2B')}@127.0.0.1:{house.redis.port}/0"
