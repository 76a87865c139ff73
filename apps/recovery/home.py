"""A copy is held: what its original has promised may long be done, and what it has ended may stand
open here again.
"""

from django.conf import settings
from django.db import connection

from apps.recovery.models import Home

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
