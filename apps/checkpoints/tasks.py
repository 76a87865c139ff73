"""Checkpoints are the worker's: once a minute where something happened, and at each thousand."""

from __future__ import annotations  # django.tasks takes its type parameters in stubs alone

from uuid import UUID

from django.conf import settings
from django.tasks import task

from apps.checkpoints import queries, services
from saas.audit.heads import heads_across_tenants
from saas.persistence.schedule import every

TENANTS_AT_ONCE = 100


def look_at_each_thousand(seq: int) -> None:
    """An entry was hung on the bound tenant's chain."""
    if seq % settings.SAAS_CHECKPOINT_ENTRIES == 0:
        write.enqueue()


@task
def write() -> None:
    """For the tenant that is bound."""
    services.write()


@every(minutes=1)
@task
def look() -> None:
    """For every tenant."""
    onwards()


@task
def look_further(after: str) -> None:
    """For those that follow."""
    onwards(UUID(after))


def onwards(after: UUID | None = None) -> None:
    """A hundred tenants; the others are the next task's."""
    looked_at = None
    count = 0
    for tenant_id, seq in heads_across_tenants(after=after, limit=TENANTS_AT_ONCE):
        last = queries.checkpoints().order_by("-number").values_list("seq", flat=True).first()
        if seq != (last or 0):
            services.write()
        looked_at, count = tenant_id, count + 1
    if count == TENANTS_AT_ONCE:
        look_further.enqueue(str(looked_at))
