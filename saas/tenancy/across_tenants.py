"""The dangerous room: whoever imports this leaves the tenant. Its guest list is an import
contract.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from saas.tenancy.binding import bind


def tenant_ids_across_tenants(*, after: UUID | None = None, limit: int | None = None) -> list[UUID]:
    """The ids of all tenants, oldest first, and nothing else of them; or the `limit` ones that
    follow `after`.
    """
    tenants: QuerySet[Any] = QuerySet(apps.get_model(settings.SAAS_TENANT_MODEL)).order_by("pk")
    if after is not None:
        tenants = tenants.filter(pk__gt=after)
    with _opened("ids"):
        return list(tenants.values_list("pk", flat=True)[:limit])


def each_tenant_across_tenants() -> Iterator[UUID]:
    """Bind every tenant in turn: the caller's block runs once inside each."""
    for tenant_id in tenant_ids_across_tenants():
        with bind(tenant_id):
            yield tenant_id


@contextmanager
def outbox_across_tenants() -> Iterator[None]:
    """Let the block take from the outbox, whosever task it is. No task runs inside."""
    with _opened("outbox"):
        yield


@contextmanager
def _opened(door: str) -> Iterator[None]:
    """Open the policies of one door; it shuts with the block, and with a rollback too."""
    with transaction.atomic(savepoint=False):
        _tell_database(door)
        yield
        _tell_database("")


def _tell_database(door: str) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('app.across_tenants', %s, true)", [door])
