"""Organizations as those who run the house name them."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from apps.organizations import queries
from apps.organizations.models import Organization
from saas.tenancy.across_tenants import each_tenant_across_tenants


def each_across_tenants(named: str = "") -> Iterator[Organization]:
    """Each organization, bound in turn; or the one that has this slug or id."""
    for tenant_id in each_tenant_across_tenants():
        if named and _as_id(named) not in (None, tenant_id):
            continue
        organization: Any = queries.organization().get()
        if not named or named in (organization.slug, str(tenant_id)):
            yield organization


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
