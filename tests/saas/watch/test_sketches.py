"""A histogram of growing buckets, and what is usual by it; places and the way between them."""

import logging

import pytest

from saas.watch import places
from saas.watch.detectors.distinct_objects import SPANS, limit
from saas.watch.places import Place, kilometres
from saas.watch.sketches import STEP, add_to, quantile

pytestmark = pytest.mark.core

BERLIN, SYDNEY = Place("DE", 52.52, 13.405), Place("AU", -33.8688, 151.2093)


def sketch(*sizes):
    """The histogram of these."""
    counted = {}
    for size in sizes:
        add_to(counted, size)
    return counted


@pytest.mark.practice("LOG-07")
def test_a_quantile_is_right_to_a_quarter():
    counted = sketch(*range(1, 1001))
    for part in (0.5, 0.9, 0.99, 1.0):
        assert part * 1000 <= quantile(counted, part, 1) <= part * 1000 * STEP
    assert quantile(counted, 0.99, 1001) == 0.0
    assert quantile({}, 0.99, 1) == 0.0


@pytest.mark.practice("LOG-07")
def test_who_is_known_is_held_against_itself_who_is_not_against_the_others_and_nobody_above_the_cap():
    hour = SPANS[0]
    many, few = sketch(*[100] * 24), sketch(100)
    assert 300 <= limit(hour, many, {}, {}) <= 300 * STEP
    assert limit(hour, many, {}, sketch(*[5000] * 3)) >= 5000  # one big day in a week is a habit
    assert limit(hour, few, {}, {}) == hour.cold
    assert 600 <= limit(hour, few, sketch(*[200] * 24), {}) <= 600 * STEP
    assert limit(hour, sketch(*[3] * 50), {}, {}) == hour.least
    assert limit(hour, sketch(*[90_000] * 50), {}, {}) == hour.most


@pytest.mark.practice("LOG-10")
def test_the_way_around_the_earth():
    assert 16_050 < kilometres(BERLIN, SYDNEY) < 16_120
    assert kilometres(BERLIN, BERLIN) == 0
    assert kilometres(BERLIN, Place("AU", None, None)) == 0


@pytest.mark.practice("LOG-10")
@pytest.mark.parametrize("path", ["", "/no/such/table.mmdb", __file__])
def test_without_a_table_everybody_is_nowhere_and_it_is_said_once(path, settings, caplog):
    settings.SAAS_GEOIP_PATH = path
    places.table.cache_clear()
    places.place_of.cache_clear()
    with caplog.at_level(logging.INFO, "saas.watch"):
        assert [places.place_of(f"203.0.113.{n}") for n in range(5)] == [None] * 5
    assert len([one for one in caplog.records if one.name == "saas.watch"]) == 1
    places.table.cache_clear()
    places.place_of.cache_clear()
