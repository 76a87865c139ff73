"""An empty database in place of a full one: the one act here that destroys, for development only."""

from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from saas.persistence.owner import acting_as_owner

OWNED_TABLES = """
    SELECT quote_ident(tablename) FROM pg_tables
    WHERE schemaname = 'public' AND tableowner = current_user
"""


def recreate_database() -> None:
    """Remove everything and migrate anew. On PostgreSQL the tables go, not the database, whose
    grants would be lost with it.
    """
    if connection.vendor == "postgresql":
        drop_tables()
    else:
        remove_file()
    call_command("migrate", verbosity=0, interactive=False)


def drop_tables() -> None:
    """Every table of the role that owns them, with its policies and triggers."""
    with acting_as_owner(connection, settings.DATABASE_OWNER), connection.cursor() as cursor:
        cursor.execute(OWNED_TABLES)
        tables = ", ".join(name for (name,) in cursor.fetchall())
        if tables:
            cursor.execute(f"DROP TABLE {tables} CASCADE")


def remove_file() -> None:
    """The file of SQLite, and what it keeps beside it."""
    connection.close()
    for suffix in ("", "-wal", "-shm"):
        Path(f"{connection.settings_dict['NAME']}{suffix}").unlink(missing_ok=True)
