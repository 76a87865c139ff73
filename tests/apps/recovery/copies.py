"""A second cluster, a backup of the first one's database, and the means to look at the copy."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from apps.recovery.home import door
from tests.servers.keeper import first_that_starts
from tests.servers.places import give_away


class Cluster(NamedTuple):
    """An empty one, with its roles, and the programs that belong to it."""

    programs: Path
    urls: dict[str, str]

    def remake(self, name: str, template: str = "template1") -> None:
        """An empty database of this name, or a copy of another one."""
        with psycopg.connect(self.urls["DATABASE_OWNER_URL"], autocommit=True) as owner:
            owner.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            owner.execute(f"CREATE DATABASE {name} TEMPLATE {template}")

    def owner(self, name: str) -> psycopg.Connection:
        """A session of the role that owns the tables."""
        url = urlsplit(self.urls["DATABASE_OWNER_URL"])._replace(path=f"/{name}").geturl()
        return psycopg.connect(url, autocommit=True)

    def restoring(self, name: str, file: Path, *options: str) -> subprocess.Popen[bytes]:
        """pg_restore on its way, as the owner."""
        url = urlsplit(self.urls["DATABASE_OWNER_URL"])._replace(path=f"/{name}").geturl()
        command = [self.programs / "pg_restore", "--no-owner", "--exit-on-error", *options]
        return subprocess.Popen([*command, f"--dbname={url}", file])

    @contextmanager
    def looked_at(self, name: str) -> Iterator[None]:
        """Everything in the block happens on this copy."""
        former = dict(connection.settings_dict)
        roles = settings.DATABASE_OWNER, settings.DATABASE_BACKUP
        connection.close()
        connection.settings_dict.update(role(self.urls["DATABASE_URL"]), NAME=name)
        settings.DATABASE_OWNER = former | role(self.urls["DATABASE_OWNER_URL"])
        settings.DATABASE_BACKUP = former | role(self.urls["DATABASE_BACKUP_URL"])
        settings.SAAS_HOLD_COPIES, door.is_open = True, False
        try:
            yield
        finally:
            door.is_open = False
            connection.close()
            connection.settings_dict.update(former)
            settings.DATABASE_OWNER, settings.DATABASE_BACKUP = roles
            settings.SAAS_HOLD_COPIES = False


def role(url: str) -> dict[str, Any]:
    """What a connection takes from a URL."""
    parts = urlsplit(url)
    return {
        "HOST": parts.hostname,
        "PORT": parts.port,
        "USER": parts.username,
        "PASSWORD": parts.password,
    }


@contextmanager
def empty_cluster() -> Iterator[Cluster]:
    """A PostgreSQL of its own for the length of the block."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as temporary, ExitStack() as stack:
        folder = Path(temporary)
        give_away(folder)
        programs, urls = first_that_starts("PostgreSQL", folder, stack)
        yield Cluster(programs, urls)


def said(*command: str) -> str:
    """What `manage.py recover` writes."""
    out = StringIO()
    call_command("recover", *command, stdout=out)
    return out.getvalue()
