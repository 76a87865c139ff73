"""Counts of all processes in windows that slide, and a memory that has an end."""

import logging
from uuid import uuid4

import pytest
from django.conf import settings as live

from saas.watch import feed
from saas.watch.detectors import detectors
from saas.watch.detectors.one_network import OneNetwork
from saas.watch.feed import DAY, Watch, expected, is_over
from saas.watch.tallies import (
    SUBJECTS,
    Mark,
    MemoryTallies,
    RedisTallies,
    SafeTallies,
    Tally,
)
from tests.saas.wire import on_postgresql

pytestmark = [pytest.mark.core, pytest.mark.practice("LOG-06")]

GONE = "redis://127.0.0.1:9/0"
stores = pytest.mark.parametrize(
    "store",
    [
        MemoryTallies,
        pytest.param(lambda: RedisTallies(live.REDIS_URL), marks=on_postgresql),
    ],
    ids=["memory", "redis"],
)


def tally(**changes):
    """Of a subject that nobody else counts."""
    return Tally(**{"detector": "toy", "subject": str(uuid4()), "window": 100} | changes)


@stores
def test_a_window_slides_by_its_slots(store):
    store, mine = store(), tally()
    assert [sum(slots) for slots in store.add([Mark(mine, 5, 2), Mark(mine, 7, 1)])] == [2, 3]
    [slots] = store.add([Mark(mine, 15, 1)])
    assert slots == [2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    [slots] = store.add([Mark(mine, 16, 1)])
    assert sum(slots) == 3


@stores
def test_what_is_distinct_is_counted_once(store):
    store, mine = store(), tally(distinct=True)
    store.add([Mark(mine, 1, 3, frozenset("abc"))])
    assert store.add([Mark(mine, 2, 3, frozenset("bcd"))]) == [[4]]


@stores
def test_one_claims(store):
    store, key = store(), str(uuid4())
    assert [store.claim(key, 60) for _ in range(3)] == [True, False, False]


@stores
def test_numbers_and_notes_are_kept(store):
    store, key = store(), str(uuid4())
    store.bump({key: {"a": 1.0}}, 60)
    assert store.bump({key: {"a": 2.0, "b": 1.0}}, 60) == {key: {"a": 3.0, "b": 1.0}}
    assert store.bump({}, 60) == {}
    store.remember({key: "text"}, 60)
    assert store.recall([key, "never"]) == ["text", None]


@on_postgresql
def test_processes_share_their_counts(scene, found):
    for _ in range(2):
        watch = Watch(
            found=[OneNetwork()], store=RedisTallies(live.REDIS_URL), live=False, tell=found.append
        )
        assert found == []
        for n in range(600):
            watch(scene.line(at=n / 1000))
        watch.drain(replayed=True)
    assert len(found) == 1


@on_postgresql
def test_everything_in_the_store_expires_and_names_nobody(scene):
    store = RedisTallies(live.REDIS_URL)
    before = set(store._client.scan_iter("watch:*"))
    watch = Watch(store=store, live=False, tell=lambda finding: None)
    for line in (scene.line(at=n / 10, status=403) for n in range(100)):
        watch(line)
    watch.drain()
    made = set(store._client.scan_iter("watch:*")) - before
    assert made
    for key in made:
        assert store._client.ttl(key) > 0
        for told in (scene.ip, scene.principal, scene.user):
            assert told not in key


def test_without_its_store_each_process_counts_alone_and_says_so_once(scene, found, caplog):
    with caplog.at_level(logging.ERROR, "saas.watch"):
        watch = Watch(store=SafeTallies(RedisTallies(GONE)), live=False, tell=found.append)
        for line in detectors()["refusals.spiked"].simulate(scene):
            watch(line)
        watch.drain(replayed=True)
    assert [finding.detector.kind for finding in found] == ["refusals.spiked"]
    assert caplog.text.count("the store of the watch is gone") == 1


def test_a_batch_that_holds_many_windows_tells_each_as_it_was():
    """A recorded stream is judged by the thousand lines, and may be of a fortnight."""
    distinct = Tally("objects", "x", 3600, True)
    marks = [Mark(distinct, at, 1, frozenset({f"{at}-{n}" for n in range(5)})) for at in (0, 5, 40)]
    store = MemoryTallies()
    assert store.add(marks) == [[5], [10], [5]]
    [[slots]] = [list(places.values()) for places in store._counts.values()]
    assert slots.keys() == {40}  # and what is over goes


def strangers(count):
    """Lines of as many networks."""
    return (f"2001:db8:{n >> 16:x}:{n & 0xFFFF:x}::1" for n in range(count))


@pytest.mark.parametrize(
    "count", [50_000, pytest.param(1_000_000, marks=pytest.mark.drill)], ids=["short", "whole"]
)
def test_memory_has_an_end_however_many_there_are_and_who_weighs_most_is_seen(count, scene, found):
    store = MemoryTallies()
    watch = Watch(found=[OneNetwork()], store=store, live=False, tell=found.append)
    line = scene.line()
    for n, ip in enumerate(strangers(count)):
        watch(line | {"ip": ip, "org": None})
        if n % 40 == 0:
            watch(line)
        if len(watch.lines) > feed.AT_ONCE:
            watch.drain()
    watch.drain()
    assert len(store._counts["network.surged"]) <= 2 * SUBJECTS
    assert len(watch._admitted["network.surged"]._names) <= SUBJECTS
    assert [finding.subject.name for finding in found] == [scene.ip]


def day_of(*slots):
    """The tally of a day, and what a window of an hour should hold after these slots."""
    return expected([0] * (11 - len(slots)) + list(slots), tally(window=DAY), 3600)


def test_what_is_usual_is_the_mean_of_the_whole_slots_that_were_seen():
    assert day_of(9, 240, 480, 7) == 360 * 3600 / (DAY / 10)
    assert day_of(9, 7) is None  # the first was seen in part, and the last goes on
    assert day_of(7) is None
    assert day_of(*[240] * 11) == 100


def test_a_ratio_rings_for_who_is_known_and_only_from_its_minimum_on():
    detector = OneNetwork()
    assert not is_over(detector, 999, None)
    assert is_over(detector, 1000, None)
    assert is_over(detector, 201, 20.0)
    assert not is_over(detector, 200, 20.0)
    assert not is_over(detector, 199, 1.0)


def test_settings_move_the_figures(settings):
    settings.SAAS_WATCH = {"network.surged": {"threshold": 7}}
    assert detectors()["network.surged"].threshold == 7
