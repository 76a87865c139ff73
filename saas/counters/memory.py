"""Sliding windows inside one process: the quick start, and what is left when the store is gone."""

import math
import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Any

from saas.counters import (
    PLACE_FREE_IN,
    SLOTS,
    Patience,
    Taken,
    Window,
    form_of,
    new_ticket,
    place_of,
)

MOST_PLACES = 10_000  # of one kind in one process's memory; what was asked for longest ago goes
Place = dict[Any, float]  # ticket -> end, ticket -> time, or slot -> hits; the oldest first


class MemoryCounters:
    """Counts as SCRIPT of the store does."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._now = 0.0
        self._places: dict[str, OrderedDict[str, Place]] = defaultdict(OrderedDict)
        self._tries: dict[str, tuple[int, float, float]] = {}  # how many, not before, forgotten at
        self._swept = 0.0

    def take(
        self, windows: Sequence[Window], *, spend: bool = True, ticket: str = ""
    ) -> list[Taken]:
        """See Counters."""
        ticket = ticket or new_ticket()
        with self._lock:
            now = self._now = max(self._now, self._clock())  # a clock that is set back stands still
            places = [self._place(window) for window in windows]
            found = [
                LOOKS[form_of(window)](place, window, now)
                for window, place in zip(windows, places, strict=True)
            ]
            spent = int(spend and not any(wait for _, wait in found))
            if spent:
                for window, place in zip(windows, places, strict=True):
                    mark(place, window, ticket, now)
            return [
                Taken(window, max(0, window.limit - used - spent), wait)
                for window, (used, wait) in zip(windows, found, strict=True)
            ]

    def release(self, window: Window, ticket: str) -> None:
        """See Counters."""
        with self._lock:
            self._place(window).pop(ticket, None)

    def _place(self, window: Window) -> Place:
        """What is kept of a window. Each kind has its own bound: an attacker with many addresses
        pushes out addresses, and no principal's count.
        """
        places = self._places[window.key.partition(":")[0]]
        name = place_of(window)
        place = places.setdefault(name, {})
        places.move_to_end(name)
        if len(places) > MOST_PLACES:
            places.popitem(last=False)
        return place

    def attempt(self, key: str, patience: Patience) -> float:
        """See Counters."""
        now = time.time()
        with self._lock:
            self._sweep(now)
            tried, not_before, forgotten_at = self._tries.get(key, (0, 0.0, 0.0))
            if now >= forgotten_at:
                tried, not_before = 0, 0.0
            if now < not_before:
                return not_before - now
            tried += 1
            delay = min(patience.first * 2.0 ** min(tried - patience.free, 30), patience.longest)
            not_before = now + delay if tried >= patience.free else 0.0
            self._tries[key] = (tried, not_before, now + patience.memory)
            return 0.0

    def forgive(self, key: str) -> None:
        """See Counters."""
        with self._lock:
            self._tries.pop(key, None)

    def _sweep(self, now: float) -> None:
        """Forget what has been forgotten, so that memory does not follow the number of names."""
        if now - self._swept > 60:
            self._swept = now
            for key in [key for key, (*_, forgotten) in self._tries.items() if forgotten <= now]:
                del self._tries[key]


def look_held(place: Place, window: Window, now: float) -> tuple[int, float]:
    """Places taken, and the seconds until one may be free."""
    for ticket in [ticket for ticket, end in place.items() if end <= now]:
        del place[ticket]
    return len(place), PLACE_FREE_IN if len(place) >= window.limit else 0.0


def look_log(place: Place, window: Window, now: float) -> tuple[int, float]:
    """Hits in the window, and the seconds until there is room: when its oldest hit has left."""
    for ticket in list(takewhile(lambda hit: place[hit] <= now - window.seconds, place)):
        del place[ticket]
    if (used := len(place)) < window.limit:
        return used, 0.0
    return used, list(place.values())[used - window.limit] + window.seconds - now


def look_ring(place: Place, window: Window, now: float) -> tuple[int, float]:
    """The same by slots. The oldest is counted whole, so never too few hits are seen."""
    slot = window.seconds / SLOTS
    for old in list(takewhile(lambda at: at < math.floor(now / slot) - SLOTS, place)):
        del place[old]
    used = left = int(sum(place.values()))
    for at, hits in place.items():
        left -= int(hits)
        if left < window.limit <= used:
            return used, (at + 1 + SLOTS) * slot - now
    return used, 0.0


LOOKS = {"held": look_held, "log": look_log, "ring": look_ring}


def mark(place: Place, window: Window, ticket: str, now: float) -> None:
    """Put one hit into a window."""
    match form_of(window):
        case "held":
            place[ticket] = now + window.seconds
        case "log":
            place[ticket] = now
        case _:
            at = math.floor(now / (window.seconds / SLOTS))
            place[at] = place.get(at, 0) + 1
