"""Work that comes again and again: many may look at the clock, and one of them begins it."""

from __future__ import annotations  # django.tasks takes its type parameters in stubs alone

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.tasks import Task, task
from django.utils import timezone

from saas.persistence.models import RegularJob
from saas.tenancy.across_tenants import tenant_ids_across_tenants
from saas.tenancy.binding import bind

NEVER = datetime.fromtimestamp(0, UTC)
TENANTS_AT_ONCE = 100


class Job(NamedTuple):
    """A task without arguments, to be begun once in each period, for nobody or in each tenant."""

    task: Task[..., Any]
    period: timedelta
    in_each_tenant: bool


JOBS: dict[str, Job] = {}


def every(
    *, in_each_tenant: bool = False, **period: float
) -> Callable[[Task[[], None]], Task[[], None]]:
    """`@every(hours=1)` above `@task` in the module `tasks` of an app; periods count from midnight
    UTC.
    """

    def register(job: Task[[], None]) -> Task[[], None]:
        JOBS[job.module_path] = Job(job, timedelta(**period), in_each_tenant)
        return job

    return register


def begin_due() -> None:
    """Begin every job whose period has not been begun by anybody."""
    begun = dict(RegularJob.objects.values_list("name", "begun_at"))
    now = timezone.now()
    for name, job in JOBS.items():
        period = NEVER + (now - NEVER) // job.period * job.period
        if begun.get(name, NEVER) < period:
            begin(name, period)


def begin(name: str, period: datetime) -> None:
    """Become the leader of this period, and enqueue the job in the same transaction.

    Who moves the row on is the leader: the others wait for its lock and then find it moved. A
    leader that dies before its commit has not moved it. Periods missed are not made up for.
    """
    with transaction.atomic():
        RegularJob.objects.bulk_create(
            [RegularJob(name=name, begun_at=NEVER)], ignore_conflicts=True
        )
        if RegularJob.objects.filter(name=name, begun_at__lt=period).update(begun_at=period):
            if JOBS[name].in_each_tenant:
                spread.enqueue(name)
            else:
                JOBS[name].task.enqueue()


@task
def spread(name: str, after: str | None = None) -> None:
    """Enqueue a job in each tenant, a hundred tenants at a time."""
    ids = tenant_ids_across_tenants(after=UUID(after) if after else None, limit=TENANTS_AT_ONCE)
    for id in ids:
        with bind(id):
            JOBS[name].task.enqueue()
    if len(ids) == TENANTS_AT_ONCE:
        spread.enqueue(name, str(ids[-1]))
