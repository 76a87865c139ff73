"""A caller that reads more than ever, whenever it begins."""

from datetime import UTC, datetime

import pytest

from saas.watch.detectors.distinct_objects import DAY, HOUR, DistinctObjects, reading
from saas.watch.feed import Watch
from saas.watch.lines import Scene
from saas.watch.tallies import MemoryTallies

pytestmark = [pytest.mark.core, pytest.mark.practice("LOG-07")]

USUAL = [(day * DAY + hour * HOUR, 90) for day in range(-14, 0) for hour in range(8, 18)]
DRIP = [(200 * n, 20) for n in range(DAY // 200)]  # 360 in an hour, 8,640 in the day


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_the_end_of_a_day_does_not_make_an_attack_usual(hour):
    found = []
    watch = Watch([DistinctObjects()], MemoryTallies(), live=False, tell=found.append)
    scene = Scene("the-key", "the-house", begins=datetime(2026, 3, 4, hour, tzinfo=UTC))
    for part in (USUAL, DRIP[:144], DRIP[144:288], DRIP[288:]):
        for at, objects in part:
            watch(reading(scene, at, objects, f"at-{at}"))
        watch.drain(replayed=True)
    assert [finding.detector.kind for finding in found] == ["objects.many-read"]
