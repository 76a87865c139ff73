"""What the tests of the walls need: rows of two tenants, and the hand of the tables' owner."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from saas.persistence.owner import acting_as_owner
from saas.tenancy.binding import bind
from tests.cast import Tenant
from tests.toy.models import Note


def write(tenant: Tenant, title: str = "a note", **fields: Any) -> Note:
    """A note of `tenant`."""
    with bind(tenant.id):
        return Note.objects.create(title=title, **fields)


@contextmanager
def owner() -> Iterator[Any]:
    """A cursor of the role that owns the tables (on SQLite there is but one)."""
    with acting_as_owner(connection, settings.DATABASE_OWNER), connection.cursor() as cursor:
        yield cursor


def as_owner(*sql: str) -> None:
    """Run statements as the role that owns the tables."""
    with owner() as cursor:
        for statement in sql:
            cursor.execute(statement)


def in_database(tenant: Tenant | None, sql: str, *parameters: Any) -> list[Any]:
    """Run one raw statement as the serving role, told the tenant as the spine tells it."""
    with transaction.atomic(), connection.cursor() as cursor:
        if tenant is not None and connection.vendor == "postgresql":
            cursor.execute("SELECT set_config('app.tenant', %s, true)", [str(tenant.id)])
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else [cursor.rowcount]


def raw(value: Any) -> Any:
    """A UUID as the database keeps it."""
    return value if connection.vendor == "postgresql" else value.hex
