"""Sliding windows, in one process and in the shared store: no interval ever holds more than its
limit.
"""

import threading
import time
import uuid
from types import SimpleNamespace

import pytest
from django.conf import settings
from hypothesis import HealthCheck, given
from hypothesis import settings as trials
from hypothesis import strategies as st

from saas import counters
from saas.counters import (
    EXACT,
    SCRIPT,
    SLOTS,
    MemoryCounters,
    RedisCounters,
    StoreUnavailable,
    Window,
    place_of,
)

pytestmark = [pytest.mark.core, pytest.mark.practice("RATE-04")]

W = 60
ROUNDING = 1e-3  # the store writes a wait with fourteen digits


class Clock:
    """A clock that tests turn; both twins read it."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0


class ClockedRedis(RedisCounters):
    """The shared store with its clock replaced; `exact` is up to where each hit is kept."""

    def __init__(self, clock: Clock, exact: int = EXACT) -> None:
        super().__init__(settings.REDIS_URL)
        self._at = f"test:{uuid.uuid4()}:clock"
        script = SCRIPT.replace("redis.call('TIME')", f"{{redis.call('GET', '{self._at}'), '0'}}")
        script = script.replace(f"limit <= {EXACT} then", f"limit <= {exact} then")
        self._client = self._script.registered_client
        self._script = self._client.register_script(script)
        self._clock = clock

    def take(self, windows, *, spend=True):
        self._client.set(self._at, repr(self._clock.now), ex=60)
        return super().take(windows, spend=spend)


@pytest.fixture(params=["memory", "log", "ring"])
def twin(request, monkeypatch):
    """A store and its clock: the process's own, the shared one in its exact and its coarse form."""
    clock = Clock()
    if request.param == "memory":
        fake = SimpleNamespace(time=lambda: clock.now, monotonic=time.monotonic)
        monkeypatch.setattr(counters, "time", fake)
        return request.param, MemoryCounters(), clock
    if not settings.REDIS_URL:
        pytest.skip("no Redis in this run")
    return request.param, ClockedRedis(clock, EXACT if request.param == "log" else 0), clock


def fresh(limit, seconds=W):
    """A window that nobody has used."""
    return Window(f"test:{uuid.uuid4()}", limit, seconds)


def accepted(store, window, **options):
    """Whether a hit fitted, and the wait."""
    (taken,) = store.take([window], **options)
    return taken.wait <= 0, taken


@given(
    limit=st.integers(1, 8),
    gaps=st.lists(st.one_of(st.just(0.0), st.floats(0, W / 4), st.floats(0, 2 * W)), max_size=40),
)
@trials(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_interval_of_the_window_ever_holds_more_than_the_limit(twin, limit, gaps):
    kind, store, clock = twin
    window = fresh(limit)
    hits: list[float] = []
    late = W / SLOTS if kind == "ring" else 0  # the oldest slot is counted whole
    for gap in gaps:
        clock.now += gap
        fitted, taken = accepted(store, window)
        recent = [hit for hit in hits if hit > clock.now - W + ROUNDING]
        if fitted:
            assert len(recent) < limit
            hits.append(clock.now)
            assert taken.remaining <= limit - len(recent) - 1
        else:  # and nobody is refused for nothing
            held = [hit for hit in hits if hit >= clock.now - W - late - ROUNDING]
            assert len(held) >= limit
            assert 0 < taken.wait <= W + late + ROUNDING


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
@pytest.mark.parametrize("kind", ["memory", "shared"])
def test_sixty_four_at_once_are_let_in_exactly_up_to_the_limit(kind, limit):
    if kind == "shared" and not settings.REDIS_URL:
        pytest.skip("no Redis in this run")
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


def test_two_processes_share_one_window():
    if not settings.REDIS_URL:
        pytest.skip("no Redis in this run")
    one, other = RedisCounters(settings.REDIS_URL), RedisCounters(settings.REDIS_URL)
    window = fresh(2, 3600)
    assert [accepted(store, window)[0] for store in (one, other, one, other)] == [
        True, True, False, False
    ]  # fmt: skip


def test_a_limit_that_changes_starts_a_new_window_and_never_an_error():
    if not settings.REDIS_URL:
        pytest.skip("no Redis in this run")
    store, window = RedisCounters(settings.REDIS_URL), fresh(EXACT, 3600)
    changed = [window, window._replace(limit=EXACT + 1), window._replace(seconds=60)]
    assert len({place_of(one) for one in changed}) == 3
    for one in changed:
        assert accepted(store, one)[1].remaining == one.limit - 1


@pytest.mark.practice("X-22")
def test_a_store_that_is_gone_says_so_at_once_and_is_left_alone_for_a_moment(monkeypatch):
    store = RedisCounters("redis://127.0.0.1:1/0")
    started = time.monotonic()
    for _ in range(20):
        with pytest.raises(StoreUnavailable):
            store.take([fresh(1)])
    assert time.monotonic() - started < 0.5
    later = time.monotonic() + counters.PAUSE
    monkeypatch.setattr(counters, "time", SimpleNamespace(monotonic=lambda: later))
    with pytest.raises(StoreUnavailable, match="does not answer"):
        store.take([fresh(1)])


def test_memory_does_not_follow_the_number_of_callers(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(counters, "time", SimpleNamespace(time=lambda: clock.now))
    store = MemoryCounters()
    for _ in range(1000):
        store.take([fresh(1)])
    clock.now += 86_401
    store.take([fresh(1)])
    assert len(store._hits) == 1


def test_without_a_store_every_window_is_this_processs_own(settings):
    settings.REDIS_URL = ""
    assert counters.shared() is counters.local()
