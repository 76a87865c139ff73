"""How far each chain has come, for who watches over all of them."""

from collections.abc import Iterator
from uuid import UUID

from saas.audit.models import AuditHead
from saas.tenancy.across_tenants import tenant_ids_across_tenants
from saas.tenancy.binding import bind


def heads_across_tenants(*, after: UUID | None = None, limit: int) -> Iterator[tuple[UUID, int]]:
    """The `limit` tenants that follow `after`, and the number of each one's last entry; every
    tenant is bound while it is the caller's turn.
    """
    for tenant_id in tenant_ids_across_tenants(after=after, limit=limit):
        with bind(tenant_id):
            yield tenant_id, AuditHead.objects.values_list("seq", flat=True).first() or 0
