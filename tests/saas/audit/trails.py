"""What the tests of the trail need: a chain of some length, and a hand that can reach into it."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, models, transaction

from saas.audit import chain, trail
from saas.audit.models import AuditEntry
from saas.persistence.owner import acting_as_owner
from saas.tenancy.binding import bind
from tests.cast import Tenant

TABLES = ("audit_auditentry", "audit_audithead")


def entries(tenant: Tenant, event: str | None = None) -> list[AuditEntry]:
    """The tenant's entries, oldest first, all or those of one event."""
    with bind(tenant.id):
        rows = AuditEntry.objects.order_by("seq")
        return list(rows if event is None else rows.filter(event=event))


def lengthen(tenant: Tenant, number: int) -> None:
    """Hang some entries on the tenant's chain."""
    with bind(tenant.id), trail.recording():
        for index in range(number):
            trail.record(tenant.owner.actor, "note.created", None, number=index, text="é\n😀")


def fault(tenant: Tenant) -> chain.Fault | None:
    """The first entry of the tenant's chain that cannot be believed."""
    with bind(tenant.id):
        return chain.first_fault()


@contextmanager
def unguarded(tables: Sequence[str] = TABLES) -> Iterator[None]:
    """The owner of the tables, with triggers and row security taken away, until a rollback."""
    with acting_as_owner(connection, settings.DATABASE_OWNER), transaction.atomic():
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                for table in tables:
                    cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
                    cursor.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
            else:
                for table in set(tables) - {"audit_audithead"}:
                    for operation in ("update", "delete"):
                        cursor.execute(f"DROP TRIGGER {table}_no_{operation}")
        yield
        transaction.set_rollback(True)


def other(field: Any, value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(field, models.DateTimeField):
        return value + timedelta(microseconds=1)
    if isinstance(field, (models.UUIDField, models.ForeignKey)):
        return uuid.uuid4()
    if isinstance(field, models.JSONField):
        return {**value, "number": -1}  # no entry of `lengthen` has it
    return value + 1000 if isinstance(value, int) else f"{value}x"[-field.max_length :]
