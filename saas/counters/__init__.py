"""Counting that several processes can trust: all windows of a request are taken together or not at
all.
"""

import secrets
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple, Protocol

from django.conf import settings

EXACT = 100  # up to here each hit is kept; above, hits fall into one of 60 slots
SLOTS = 60
PLACE_FREE_IN = 1.0  # seconds that a caller waits for one of its own requests to end; a guess


class StoreUnavailable(Exception):
    """The shared store did not answer in time; the caller decides what that means."""


class Window(NamedTuple):
    """At most `limit` hits of `key` in any `seconds` seconds. Where it is `held`, at most `limit`
    hits at once: each counts until its `release`, or for `seconds` when nobody is left to say so.
    `of` is the limit before somebody moved it, and decides how it is kept: whoever is slowed down
    goes on in the same window.
    """

    key: str
    limit: int
    seconds: int
    held: bool = False
    of: int = 0


class Taken(NamedTuple):
    """The state of one window after the call: hits left, and seconds until another hit fits."""

    window: Window
    remaining: int
    wait: float


class Patience(NamedTuple):
    """How often in a row a secret may be wrong: `free` tries, then a wait of `first` seconds, of
    twice that, … of `longest` between two; forgotten after `memory` seconds without a try.
    """

    free: int
    longest: int
    memory: int
    first: int = 1


class Counters(Protocol):
    """A store of sliding windows, and of secrets that were tried and were wrong."""

    def take(
        self, windows: Sequence[Window], *, spend: bool = True, ticket: str = ""
    ) -> list[Taken]:
        """Count one hit in every window if all have room, else in none; `spend=False` only looks.

        A refusal shows as `wait` > 0 in some window. `ticket` names the hit for `release`; no two
        hits may share one, so it never comes from a caller. Raises StoreUnavailable.
        """
        ...

    def release(self, window: Window, ticket: str) -> None:
        """Give back a place in a `held` window, or a hit in one of at most EXACT. Waits for nobody
        and raises nothing.
        """
        ...

    def attempt(self, key: str, patience: Patience) -> float:
        """Reserve one try of a secret: 0 when it may be looked at now, else the seconds to wait.

        A try counts as wrong until `forgive(key)`. Raises StoreUnavailable.
        """
        ...

    def forgive(self, key: str) -> None:
        """The secret was right: forget the wrong ones before it. Raises StoreUnavailable."""
        ...


def new_ticket() -> str:
    """A name for one hit that nobody else has."""
    return secrets.token_hex(8)


def form_of(window: Window) -> str:
    """How a window is kept: its places, each of its hits, or the sum of each of its 60 slots."""
    return "held" if window.held else "log" if (window.of or window.limit) <= EXACT else "ring"


def place_of(window: Window) -> str:
    """The key of a window in the store: when a limit changes, two forms of counting never meet
    under one key, which would be an error until the old one expires.
    """
    return f"window:{form_of(window)}:{window.seconds}:{window.key}"


@cache
def local() -> Counters:
    """The windows of this process alone."""
    from saas.counters.memory import MemoryCounters

    return MemoryCounters()


@cache
def shared() -> Counters:
    """The windows that every process sees: Redis where REDIS_URL names one, else this process."""
    if not settings.REDIS_URL:
        return local()
    from saas.counters.store import RedisCounters

    return RedisCounters(settings.REDIS_URL)
