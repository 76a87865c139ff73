"""An empty database in place of a full one: the one act here that destroys."""

import sqlite3

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
        reset_file()
    call_command("migrate", verbosity=0, interactive=False)


def drop_tables() -> None:
    """Every table of the role that owns them, with its policies and triggers."""
    with acting_as_owner(connection, settings.DATABASE_OWNER), connection.cursor() as cursor:
        cursor.execute(OWNED_TABLES)
        tables = ", ".join(name for (name,) in cursor.fetchall())
        if tables:
            cursor.execute(f"DROP TABLE {tables} CASCADE")


def reset_file() -> None:
    """The file of SQLite, from within: a server that has it open goes on with the new content."""
    connection.ensure_connection()
    file = connection.connection
    file.setconfig(sqlite3.SQLITE_DBCONFIG_RESET_DATABASE, True)
    file.execute("VACUUM")
    file.setconfig(sqlite3.SQLITE_DBCONFIG_RESET_DATABASE, False)
    connection.close()  # the next one sets the journal again
