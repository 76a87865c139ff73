"""A copy is held: what its original has promised may long be done, and what it has ended may stand
open here again.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest

from apps.recovery.models import Home
from saas.errors import Problem

# A restore into another cluster, into another database and over this one: each changes a number.
PLACE = """
    SELECT concat_ws('.', system_identifier, d.oid, 'recovery_home'::regclass::oid)
    FROM pg_control_system(), pg_database d WHERE datname = current_database()
"""


def place() -> str:
    """What tells this database from every copy of it; a file of SQLite cannot tell."""
    if connection.vendor != "postgresql":
        return "file"
    with connection.cursor() as cursor:
        cursor.execute(PLACE)
        return str(cursor.fetchone()[0])


def is_held() -> bool:
    """Whether nothing may be done here. Nobody has to remember to hold a copy: it is held because
    it is not where it says it is at home.
    """
    if not settings.SAAS_HOLD_COPIES:
        return False
    last = Home.objects.filter(place=place()).order_by("at", "id").last()
    return last is None or last.is_held


class Door:
    """Serves nobody on a copy that is held: what its original answered since is not known here, and
    what were written would be lost, or keep the copy from being what its manifest says.
    """

    def __init__(self) -> None:
        self.is_open = False  # once this process has seen that its database is at home

    def __call__(self, request: HttpRequest) -> None:
        """503 for everything but the questions of a balancer."""
        if self.is_open or request.path_info.startswith("/health/"):
            return
        try:
            self.is_open = not is_held()
        except Error:
            self.is_open = False
        if not self.is_open:
            raise Problem("not-ready")

    @contextmanager
    def opened(self) -> Iterator[None]:
        """For who verifies, in a process that serves nobody else."""
        former, self.is_open = self.is_open, True
        try:
            yield
        finally:
            self.is_open = former


door = Door()


def settle_down() -> None:
    """A database that is at home nowhere was made here."""
    if not Home.objects.exists():
        Home.objects.create(place=place())


def hold() -> None:
    """Hold this database, as when all its files were copied, with the place that they say."""
    Home.objects.create(place=place(), is_held=True)


def release() -> None:
    """From now on it is at home here."""
    Home.objects.create(place=place())
