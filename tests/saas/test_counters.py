"""Sliding windows, in one process and in the shared store: no interval ever holds more than its
limit.
"""

import logging
import os
import random
import threading
import time
import uuid
from types import SimpleNamespace

import pytest
import redis
from django.conf import settings
from hypothesis import HealthCheck, given
from hypothesis import settings as trials
from hypothesis import strategies as st
from redis.connection import Connection

from saas import counters
from saas.counters import (
    EXACT,
    PLACE_FREE_IN,
    SLOTS,
    StoreUnavailable,
    Window,
    memory,
    new_ticket,
    place_of,
)
from saas.counters import store as store_module
from saas.counters.memory import MemoryCounters
from saas.counters.store import PAUSE, SCRIPT, RedisCounters, Script, words

pytestmark = [pytest.mark.core, pytest.mark.practice("RATE-04")]

W = 60
ROUNDING = 1e-3  # the store writes a wait with fourteen digits


class Clock:
    """A clock that tests turn; both twins read it."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class ClockedRedis(RedisCounters):
    """The shared store with its clock replaced: it travels behind the other arguments."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(settings.REDIS_URL)
        text = SCRIPT.replace("redis.call('TIME')", "{ARGV[#ARGV], '0'}")
        script = Script(self._client.connection_pool, text)
        self._script = lambda given: script(given + words(repr(clock.now)))


def twins(clock):
    """Both implementations, as far as this run has them."""
    return [MemoryCounters(clock), *([ClockedRedis(clock)] if settings.REDIS_URL else [])]


FORMS = ["log", "ring"]


def as_form(form, monkeypatch):
    """Keep even small windows in this form."""
    monkeypatch.setattr(counters, "EXACT", EXACT if form == "log" else 0)


with_redis = pytest.mark.skipif(not settings.REDIS_URL, reason="SQLite runs without a Redis")
STORES = [("memory", ()), ("shared", with_redis)]  # of this process, and of all


@pytest.fixture(
    params=[
        pytest.param((store, form), marks=marks, id=f"{store}-{form}")
        for store, marks in STORES
        for form in FORMS
    ]
)
def twin(request, monkeypatch):
    """A store and its clock: the process's own and the shared one, each exact and by slots."""
    store, form = request.param
    as_form(form, monkeypatch)
    clock = Clock()
    return form, twins(clock)[store == "shared"], clock


def fresh(limit, seconds=W, *, held=False):
    """A window that nobody has used."""
    return Window(f"test:{uuid.uuid4()}", limit, seconds, held)


def accepted(store, window, **options):
    """Whether a hit fitted, and the wait."""
    (taken,) = store.take([window], **options)
    return taken.wait <= 0, taken


def arrivals(seed):
    """A limit and the gaps between hits: floods, edges of windows, drips, pauses, clients who wait
    as long as they are told, and those who come a moment too early.
    """
    chance = random.Random(seed)  # noqa: S311  # arrivals are no secrets
    gaps = {
        "flood": lambda: 0.0,
        "edge": lambda: chance.choice([W, W - 1e-3, W + 1e-3, W / SLOTS, W / SLOTS - 1e-3]),
        "drip": lambda: chance.uniform(0, W / 5),
        "pause": lambda: chance.uniform(W, 3 * W),
        "told": lambda: "told",
        "early": lambda: "early",
    }
    kinds = chance.choices(list(gaps), k=chance.randint(1, 3))
    hits = (kind for kind in chance.choices(kinds, k=chance.randint(5, 40)))
    return chance.randint(1, 8), [gaps[kind]() for kind in hits]


def hold_to_the_promise(form, limit, gaps):
    """No interval of the window holds more than the limit, nobody is refused for nothing, who waits
    as told is let in, and the twins say the same.
    """
    clock, window = Clock(), fresh(limit)
    stores, late = twins(clock), W / SLOTS if form == "ring" else 0  # the oldest slot counts whole
    hits: list[float] = []
    wait = 0.0
    for gap in gaps:
        told = gap == "told" and wait
        clock.now += {"told": wait + ROUNDING, "early": max(0, wait - 2 * ROUNDING)}.get(gap, gap)
        states = [store.take([window])[0] for store in stores]
        for state in states[1:]:
            assert state.remaining == states[0].remaining
            assert state.wait == pytest.approx(states[0].wait, abs=ROUNDING)
        wait = states[0].wait
        recent = [hit for hit in hits if hit > clock.now - W]
        if wait == 0:
            assert len(recent) < limit
            hits.append(clock.now)
            assert states[0].remaining <= limit - len(recent) - 1
        else:
            assert not told
            held = [hit for hit in hits if hit >= clock.now - W - late - ROUNDING]
            assert len(held) >= limit
            assert 0 < wait <= W + late + ROUNDING


@given(
    limit=st.integers(1, 8),
    gaps=st.lists(
        st.one_of(st.just(0.0), st.just("told"), st.floats(0, W / 4), st.floats(0, 2 * W)),
        max_size=40,
    ),
)
@trials(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("form", FORMS)
def test_no_interval_of_the_window_ever_holds_more_than_the_limit(form, limit, gaps, monkeypatch):
    as_form(form, monkeypatch)
    hold_to_the_promise(form, limit, gaps)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "patterns", [60, pytest.param(10_000, marks=pytest.mark.drill)], ids=["sample", "all"]
)
def test_no_arrival_pattern_breaks_the_promise(form, patterns, monkeypatch):
    as_form(form, monkeypatch)
    start = random.randrange(10**9)  # noqa: S311  # as above
    for seed in range(start, start + patterns):
        try:
            hold_to_the_promise(form, *arrivals(seed))
        except AssertionError as broken:
            raise AssertionError(f"arrivals({seed})") from broken


@given(limit=st.integers(1, 6), gaps=st.lists(st.floats(0, W / 3), min_size=1, max_size=15))
@trials(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.practice("RATE-03")
def test_who_waits_as_long_as_told_is_let_in(twin, limit, gaps):
    _, store, clock = twin
    window = fresh(limit)
    for gap in gaps:
        clock.now += gap
        fitted, taken = accepted(store, window)
        if not fitted:
            start = clock.now
            clock.now = start + taken.wait - 2 * ROUNDING
            assert not accepted(store, window, spend=False)[0]
            clock.now = start + taken.wait + ROUNDING
            assert accepted(store, window)[0]


def test_a_burst_over_the_edge_of_a_window_is_one_burst(twin):
    """A counter that starts anew at each full minute would let twice the limit through here."""
    _, store, clock = twin
    window = fresh(10)
    clock.now = clock.now // W * W + W - 0.5
    before = sum(accepted(store, window)[0] for _ in range(10))
    clock.now += 1
    assert (before, sum(accepted(store, window)[0] for _ in range(10))) == (10, 0)
    clock.now += W - 2
    assert not accepted(store, window)[0]
    clock.now += 3
    assert sum(accepted(store, window)[0] for _ in range(20)) == 10


def test_all_windows_are_taken_together_or_none(twin):
    _, store, _ = twin
    narrow, wide = fresh(1), fresh(5)
    assert [t.remaining for t in store.take([narrow, wide])] == [0, 4]
    for _ in range(3):
        refused = store.take([narrow, wide])
        assert [t.wait > 0 for t in refused] == [True, False]
    assert [t.remaining for t in store.take([wide], spend=False)] == [4]


def test_looking_spends_nothing_and_keys_do_not_meet(twin):
    _, store, _ = twin
    window = fresh(2)
    for _ in range(5):
        assert accepted(store, window, spend=False)[1].remaining == 2
    assert accepted(store, fresh(2))[1].remaining == 1
    assert accepted(store, window)[1].remaining == 1
    other = window._replace(seconds=W * 2)
    assert store.take([window, other])[0].remaining == 0


def test_a_refused_hit_does_not_lengthen_the_wait(twin):
    _, store, clock = twin
    window = fresh(1)
    accepted(store, window)
    for _ in range(10):
        clock.now += 1
        assert not accepted(store, window)[0]
    clock.now += W - 10 + 1.01 * W / SLOTS
    assert accepted(store, window)[0]


@pytest.mark.parametrize("limit", [EXACT, EXACT + 50])
@pytest.mark.parametrize("kind", [pytest.param(kind, marks=marks) for kind, marks in STORES])
def test_sixty_four_at_once_are_let_in_exactly_up_to_the_limit(kind, limit):
    store = MemoryCounters() if kind == "memory" else RedisCounters(settings.REDIS_URL)
    window, start = fresh(limit, 3600), threading.Barrier(64)
    let_in, lost = [], []  # a hit may be counted whose answer a slow machine has lost

    def work():
        start.wait()
        for _ in range(4):
            try:
                let_in.append(accepted(store, window)[0])
            except StoreUnavailable:
                lost.append(1)

    threads = [threading.Thread(target=work) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert limit - len(lost) <= sum(let_in) <= limit
    assert len(let_in) + len(lost) == 256
    assert kind == "shared" or not lost


@with_redis
def test_two_processes_share_one_window():
    one, other = RedisCounters(settings.REDIS_URL), RedisCounters(settings.REDIS_URL)
    window = fresh(2, 3600)
    assert [accepted(store, window)[0] for store in (one, other, one, other)] == [
        True, True, False, False
    ]  # fmt: skip


@with_redis
def test_a_limit_that_changes_starts_a_new_window_and_never_an_error():
    store, window = RedisCounters(settings.REDIS_URL), fresh(EXACT, 3600)
    changed = [window, window._replace(limit=EXACT + 1), window._replace(seconds=60)]
    assert len({place_of(one) for one in changed}) == 3
    for one in changed:
        assert accepted(store, one)[1].remaining == one.limit - 1


@pytest.mark.parametrize("step", [-5, 5])
def test_a_clock_that_is_set_anew_stops_nothing_and_loses_no_count(twin, step):
    """Back by five seconds: hits stay five seconds longer. Forward: they leave so much earlier."""
    form, store, clock = twin
    window, held, ticket = fresh(3), fresh(1, held=True), new_ticket()
    late = W / SLOTS if form == "ring" else 0
    assert accepted(store, held, ticket=ticket)[0]
    for _ in range(3):
        assert accepted(store, window)[0]
        clock.now += 1
    clock.now += step
    fitted, taken = accepted(store, window)
    assert not fitted
    assert 0 < taken.wait <= W - 3 + 5 + late + ROUNDING
    clock.now += W + 5 + late + ROUNDING
    assert accepted(store, window)[0]
    store.release(held, ticket)
    assert until(lambda: accepted(store, held)[0])


@pytest.mark.practice("RATE-06")
def test_a_place_is_free_when_it_is_given_back_and_not_before(twin):
    _, store, clock = twin
    places, tickets = fresh(2, 30, held=True), [new_ticket() for _ in range(3)]
    assert [accepted(store, places, ticket=t)[1].remaining for t in tickets[:2]] == [1, 0]
    clock.now += 29
    fitted, taken = accepted(store, places, ticket=tickets[2])
    assert (fitted, taken.wait, taken.remaining) == (False, PLACE_FREE_IN, 0)
    store.release(places, tickets[2])  # it had none
    store.release(places, tickets[0])
    store.release(places, tickets[0])
    assert until(lambda: accepted(store, places, ticket=tickets[2])[0])
    assert not accepted(store, places)[0]


@pytest.mark.practice("RATE-06")
def test_a_process_that_died_has_its_places_back_when_their_time_is_over(twin):
    _, store, clock = twin
    places = fresh(1, 30, held=True)
    assert accepted(store, places)[0]
    clock.now += 29.9
    assert not accepted(store, places)[0]
    clock.now += 0.2
    assert accepted(store, places)[0]


@pytest.mark.practice("RATE-06")
def test_who_finds_no_place_spends_nothing_else(twin):
    _, store, _ = twin
    places, window, ticket = fresh(1, 30, held=True), fresh(5), new_ticket()
    store.take([window, places], ticket=ticket)
    for _ in range(5):
        assert [t.wait > 0 for t in store.take([window, places])] == [False, True]
    store.release(places, ticket)
    assert until(lambda: store.take([window, places])[1].wait == 0)
    assert accepted(store, window, spend=False)[1].remaining == 3


def until(true):
    """A release waits for nobody, so its effect may be a moment away."""
    return any(true() or time.sleep(0.01) for _ in range(3000))


@pytest.mark.practice("RATE-06")
@with_redis
def test_a_release_waits_for_no_answer_and_survives_a_connection_that_was_closed():
    store, places = RedisCounters(settings.REDIS_URL), fresh(1, 30, held=True)
    for _ in range(3):
        ticket = new_ticket()
        assert until(lambda ticket=ticket: accepted(store, places, ticket=ticket)[0])
        store.release(places, ticket)
        host, port = store._one_way._connection._sock.getsockname()
        assert store._client.client_kill_filter(addr=f"{host}:{port}") == 1


@pytest.mark.practice("X-22")
def test_nobody_reads_an_answer_that_another_did_not_wait_for(monkeypatch):
    if not settings.REDIS_URL:
        pytest.skip("no Redis in this run")
    store, left, next_ = RedisCounters(settings.REDIS_URL), fresh(1), fresh(7)
    store.take([fresh(1)])
    with monkeypatch.context() as patched:
        patched.setattr(Connection, "read_response", raising(redis.TimeoutError))
        with pytest.raises(StoreUnavailable):
            store.take([left])
    store._down_until = 0.0
    assert accepted(store, next_)[1].remaining == 6


@pytest.mark.practice("X-22")
def test_a_store_that_was_emptied_or_started_again_counts_on():
    if not settings.REDIS_URL:
        pytest.skip("no Redis in this run")
    store, window = RedisCounters(settings.REDIS_URL), fresh(7)
    store.take([window])
    store._client.script_flush()
    assert accepted(store, window)[1].remaining == 5
    [connection] = store._script._free[os.getpid()]
    host, port = connection._sock.getsockname()
    assert store._client.client_kill_filter(addr=f"{host}:{port}") == 1
    assert accepted(store, window)[1].remaining == 4


def test_two_processes_never_share_a_connection(monkeypatch):
    if not settings.REDIS_URL:
        pytest.skip("no Redis in this run")
    store = RedisCounters(settings.REDIS_URL)
    store.take([fresh(1)])
    monkeypatch.setattr(os, "getpid", lambda: -1)  # as a child sees itself after a fork
    store.take([fresh(1)])
    [[before], [after]] = store._script._free.values()
    assert before is not after


def raising(fault):
    """A function that raises whatever it is called with."""

    def raises(*_, **__):
        raise fault

    return raises


@pytest.mark.practice("X-22")
def test_a_store_that_is_gone_says_so_at_once_and_is_left_alone_for_a_moment(monkeypatch, caplog):
    store = RedisCounters("redis://127.0.0.1:1/0")
    started = time.monotonic()
    for _ in range(20):
        with pytest.raises(StoreUnavailable):
            store.take([fresh(1)])
        store.release(fresh(1, held=True), new_ticket())
    assert time.monotonic() - started < 5  # forty time-outs would be many more
    later = time.monotonic() + PAUSE
    monkeypatch.setattr(store_module, "time", SimpleNamespace(monotonic=lambda: later))
    with pytest.raises(StoreUnavailable, match="does not answer"):
        store.take([fresh(1)])
    with pytest.raises(StoreUnavailable, match="a moment ago"):
        store.take([fresh(1)])
    gone = [line for line in caplog.records if line.name == "saas.counters"]
    assert [line.levelno for line in gone] == [logging.ERROR]  # once, not for each request


def test_memory_does_not_follow_the_number_of_callers(monkeypatch):
    monkeypatch.setattr(memory, "MOST_PLACES", 10)
    store, principal = MemoryCounters(), Window("principal:1", 2, W)
    accepted(store, principal)
    for number in range(1000):
        store.take([Window(f"net:{number}", 1, W)])
    assert sum(len(places) for places in store._places.values()) == 11
    assert accepted(store, principal, spend=False)[1].remaining == 1  # no stranger pushes it out
    for limit in (EXACT, EXACT + 1):
        window = Window(f"test:{limit}", limit, W)
        for _ in range(1000):
            store.take([window])
        assert len(store._places["test"][place_of(window)]) <= EXACT


@with_redis
def test_the_store_forgets_what_is_over():
    store = RedisCounters(settings.REDIS_URL)
    windows = [fresh(1, 5), fresh(EXACT + 1, 5), fresh(1, 5, held=True)]
    store.take(windows)
    for window in windows:
        assert 5000 < store._client.pttl(place_of(window)) <= 5500


def test_without_a_store_every_window_is_this_processs_own(settings):
    settings.REDIS_URL = ""
    assert counters.shared() is counters.local()
