"""How often in a month: counted in the transaction of the act, so that what is rolled back or
repeated under one Idempotency-Key is counted once or never.
"""

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import connection
from django.utils import timezone

from saas.counters import Taken, Window
from saas.errors import Problem
from saas.ids import uuid7
from saas.persistence.models import QuotaUse
from saas.persistence.statements import columns
from saas.tenancy.binding import bound_tenant
from saas.throttling.limits import fields, name_of

# The acts that are counted, by their names in PLANS. A module joins in AppConfig.ready().
ACTS: set[str] = set()

# One statement: a hundred at once are let in one by one, and none beyond the limit. The row stays
# locked from here to the commit, so an act that numbers its rows counts where it takes its number.
TAKE = """
    INSERT INTO persistence_quotause (id, tenant_id, act, month, used) VALUES (%s, %s, %s, %s, 1)
    ON CONFLICT (tenant_id, act, month) DO UPDATE SET used = persistence_quotause.used + 1
        WHERE persistence_quotause.used < %s
    RETURNING used
"""


class Month(NamedTuple):
    """A month of UTC."""

    first: date
    starts_at: datetime
    ends_at: datetime


class Quota(NamedTuple):
    """One line of what an organization may do in this month."""

    name: str
    limit: int
    used: int
    remaining: int
    resets_at: datetime


def this_month() -> Month:
    """The month that it is."""
    now = timezone.now().astimezone(UTC)
    start = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = (start + timedelta(days=32)).replace(day=1)
    return Month(start.date(), start, end)


def limits_of(plan: str) -> Mapping[str, int]:
    """What a plan holds. One that the settings no longer know is worth what a new one is."""
    plans: Mapping[str, Mapping[str, int]] = settings.PLANS
    return plans.get(plan, plans[settings.PLAN])


def count(act: str, plan: str) -> None:
    """Count an act of the bound tenant. Raises 429 `quota-exceeded` when this month has no room."""
    month, limit = this_month(), limits_of(plan)[act]
    row = {"id": uuid7(), "tenant": bound_tenant(), "act": act, "month": month.first}
    if limit:
        with connection.cursor() as cursor:
            cursor.execute(TAKE, [*columns(QuotaUse, row), limit])
            if cursor.fetchone():
                return
    raise _exceeded(act, limit, month)


def _exceeded(act: str, limit: int, month: Month) -> Problem:
    length = int((month.ends_at - month.starts_at).total_seconds())
    wait = (month.ends_at - timezone.now()).total_seconds()
    full = Taken(Window(f"{act}:", limit, length), 0, wait)
    return Problem(
        "quota-exceeded",
        headers={"Retry-After": str(math.ceil(wait)), **fields([full])},
        extra={"violated-policies": [name_of(full.window)]},
    )


def quotas(plan: str) -> list[Quota]:
    """What the bound tenant has used in this month, and what is left."""
    month, limits = this_month(), limits_of(plan)
    used = dict(QuotaUse.objects.filter(month=month.first).values_list("act", "used"))
    return [
        Quota(
            act,
            limits[act],
            used.get(act, 0),
            max(0, limits[act] - used.get(act, 0)),
            month.ends_at,
        )
        for act in sorted(ACTS)
    ]
