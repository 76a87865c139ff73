"""The dangerous room: whoever imports this leaves the tenant. Its guest list is an import
contract.
"""

from collections.abc import Iterator
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from saas.tenancy.binding import bind


def tenant_ids_across_tenants() -> list[UUID]:
    """The id of every tenant, oldest first, and nothing else of them."""
    tenant_model = apps.get_model(settings.SAAS_TENANT_MODEL)
    with transaction.atomic(), _all_tenants_listed():
        return list(QuerySet(tenant_model).order_by("pk").values_list("pk", flat=True))


def each_tenant_across_tenants() -> Iterator[UUID]:
    """Bind every tenant in turn: the caller's block runs once inside each."""
    for tenant_id in tenant_ids_across_tenants():
        with bind(tenant_id):
            yield tenant_id


class _all_tenants_listed:  # noqa: N801  # reads as a phrase where it is used
    """Open the policy that lists tenants' ids, for one query."""

    def __enter__(self) -> None:
        self._set("ids")

    def __exit__(self, *_: object) -> None:
        self._set("")

    def _set(self, value: str) -> None:
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('app.across_tenants', %s, true)", [value])
