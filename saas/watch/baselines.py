"""What is usual for a caller at this hour of the week: counts, means and variances, and nothing of
what they did.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple, Self
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from saas.tenancy.binding import bind
from saas.watch.models import Profile

MEASURES = ("requests", "refusals", "objects", "bytes")
SAMPLES = 3  # fewer weeks than these are no habit
MEMORY = 8  # weeks: from then on the oldest fade, as in an EWMA with a weight of an eighth
PEERS = 5  # callers; what fewer of them do is no habit of their organization
HOURS = 168  # of a week


class Usual(NamedTuple):
    """Welford's running mean and variance: `m2` is the sum of squared distances from the mean."""

    weeks: int = 0
    mean: float = 0.0
    m2: float = 0.0

    def with_(self, value: float) -> Self:
        """The same with one more sample (Welford 1962); beyond MEMORY an old one fades for it."""
        count, m2 = self.weeks + 1, self.m2
        if count > MEMORY:
            count, m2 = MEMORY, m2 * (MEMORY - 1) / MEMORY
        distance = value - self.mean
        mean = self.mean + distance / count
        return type(self)(count, mean, m2 + distance * (value - mean))

    @property
    def deviation(self) -> float:
        """The standard deviation of a sample; 0 while there are fewer than two."""
        return math.sqrt(self.m2 / (self.weeks - 1)) if self.weeks > 1 else 0.0

    def z(self, value: float) -> float:
        """How many deviations `value` lies above the mean. Counts scatter by their root, however
        even the last weeks were, and a tenth of the mean is nobody's news: no deviation is taken
        for smaller than these.
        """
        least = max(math.sqrt(self.mean), self.mean / 10, 1.0)
        return (value - self.mean) / max(self.deviation, least)


type Measures = Mapping[str, float]


def hour_of_week(hour: int) -> int:
    """From hours since 1970: 0 is Monday from midnight UTC."""
    moment = datetime.fromtimestamp(hour * 3600, UTC)
    return moment.weekday() * 24 + moment.hour


def learn(tenant: str, principal: str, hour: int, measured: Measures) -> None:
    """Add a finished hour to the profiles of a principal and of its organization, which stands for
    the usual principal there. Without waiting for anybody: rows are locked, shortly.
    """
    slot = hour_of_week(hour)
    with bind(UUID(tenant)), transaction.atomic():
        for whose in sorted({UUID(principal), UUID(tenant)}):  # one order, so no two wait in a ring
            Profile.objects.bulk_create(
                [Profile(principal_id=whose, hour=slot)], ignore_conflicts=True
            )
            row = Profile.objects.select_for_update().get(principal_id=whose, hour=slot)
            row.measures = {
                name: Usual(*row.measures.get(name, ())).with_(measured.get(name, 0.0))
                for name in MEASURES
            }
            row.updated_at = timezone.now()
            row.save(update_fields=["measures", "updated_at"])


@lru_cache(4096)
def usual(tenant: str, principal: str, hour: int) -> dict[str, Usual]:
    """What is known for this hour: of the principal, else of its organization where enough others
    called, else nothing. Read once for an hour: the week's slot is not learned before it has ended.
    """
    slot = hour_of_week(hour)
    with bind(UUID(tenant)):
        whose = [UUID(principal), UUID(tenant)]
        profiles = Profile.objects.filter(hour=slot)
        rows = list(profiles.filter(principal_id__in=whose))
        peers = len(profiles.exclude(principal_id__in=whose).values_list("pk")[:PEERS])
    by = {row.principal_id: known(row.measures) for row in rows}
    of_house = by.get(UUID(tenant), {}) if peers == PEERS else {}
    return by.get(UUID(principal)) or of_house


def known(measures: Mapping[str, Any]) -> dict[str, Usual]:
    """Of a row, what has been seen often enough to be a habit."""
    found = {name: Usual(*numbers) for name, numbers in measures.items()}
    return {name: one for name, one in found.items() if one.weeks >= SAMPLES}


def exported(principal: UUID) -> list[dict[str, Any]]:
    """The profile of a principal in the bound tenant, by hour of the week."""
    return [
        {
            "hour_of_week": row.hour,
            **{
                name: {
                    "weeks": one.weeks,
                    "mean": round(one.mean, 2),
                    "deviation": round(one.deviation, 2),
                }
                for name, one in ((name, Usual(*row.measures[name])) for name in row.measures)
            },
        }
        for row in Profile.objects.filter(principal_id=principal).order_by("hour")
    ]
