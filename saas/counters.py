"""Counting that several processes can trust: all windows of a request are taken together or not at
all.
"""

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple, Protocol

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

EXACT = 100  # up to here each hit is kept; above, hits fall into one of 60 slots
SLOTS = 60
PAUSE = 1.0  # seconds without asking a store that just failed


class StoreUnavailable(Exception):
    """The shared store did not answer in time; the caller decides what that means."""


class Window(NamedTuple):
    """At most `limit` hits of `key` in any `seconds` seconds."""

    key: str
    limit: int
    seconds: int


class Taken(NamedTuple):
    """The state of one window after the call: hits left, and seconds until another hit fits."""

    window: Window
    remaining: int
    wait: float


class Patience(NamedTuple):
    """How often in a row a secret may be wrong: `free` tries, then a wait of 1, 2, 4 … `longest`
    seconds between two; forgotten after `memory` seconds without a try.
    """

    free: int
    longest: int
    memory: int


class Counters(Protocol):
    """A store of sliding windows, and of secrets that were tried and were wrong."""

    def take(self, windows: Sequence[Window], *, spend: bool = True) -> list[Taken]:
        """Count one hit in every window if all have room, else in none; `spend=False` only looks.

        A refusal shows as `wait` > 0 in some window. Raises StoreUnavailable.
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


class MemoryCounters:
    """Sliding windows inside one process: the quick start, and what is left when the store is
    gone.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hits: dict[str, deque[float]] = defaultdict(deque)
        self._ends: dict[str, float] = {}  # when the last hit of a window has left it
        self._tries: dict[str, tuple[int, float, float]] = {}  # how many, not before, forgotten at
        self._swept = 0.0

    def take(self, windows: Sequence[Window], *, spend: bool = True) -> list[Taken]:
        """See Counters."""
        now = time.time()
        with self._lock:
            self._sweep(now)
            waits = [self._wait(window, now) for window in windows]
            if spend and not any(waits):
                for window in windows:
                    self._hits[window.key].append(now)
                    self._ends[window.key] = now + window.seconds
            return [
                Taken(window, max(0, window.limit - len(self._hits[window.key])), wait)
                for window, wait in zip(windows, waits, strict=True)
            ]

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
            delay = min(2.0 ** min(tried - patience.free, 30), patience.longest)
            not_before = now + delay if tried >= patience.free else 0.0
            self._tries[key] = (tried, not_before, now + patience.memory)
            return 0.0

    def forgive(self, key: str) -> None:
        """See Counters."""
        with self._lock:
            self._tries.pop(key, None)

    def _wait(self, window: Window, now: float) -> float:
        hits = self._hits[window.key]
        while hits and hits[0] <= now - window.seconds:
            hits.popleft()
        if len(hits) < window.limit:
            return 0.0
        return hits[len(hits) - window.limit] + window.seconds - now

    def _sweep(self, now: float) -> None:
        """Forget windows that are empty, so that memory does not follow the number of callers."""
        if now - self._swept > 60:
            self._swept = now
            for key in [key for key in self._hits if self._ends.get(key, 0.0) <= now]:
                del self._hits[key]
                self._ends.pop(key, None)
            for key in [key for key, (*_, forgotten) in self._tries.items() if forgotten <= now]:
                del self._tries[key]


# One call for all windows of a request. The clock is the store's own, so that web processes
# with different clocks count alike. KEYS[i] has limit ARGV[2i] and seconds ARGV[2i+1].
SCRIPT = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local spend, refused, answer = ARGV[1] == '1', false, {}
for i, key in ipairs(KEYS) do
  local limit, seconds, used, wait = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1]), 0, 0
  if limit <= %(exact)d then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now - seconds)
    used = redis.call('ZCARD', key)
    if used >= limit then
      local first = redis.call('ZRANGE', key, used - limit, used - limit, 'WITHSCORES')
      wait = tonumber(first[2]) + seconds - now
    end
  else
    local slot = seconds / %(slots)d
    local current, counts = math.floor(now / slot), {}
    local stored = redis.call('HGETALL', key)
    for j = 1, #stored, 2 do
      local at = tonumber(stored[j])
      if at < current - %(slots)d then redis.call('HDEL', key, stored[j])
      else counts[at] = tonumber(stored[j + 1]); used = used + counts[at] end
    end
    if used >= limit then
      local left, at = used, current - %(slots)d
      while left >= limit do left = left - (counts[at] or 0); at = at + 1 end
      wait = (at + %(slots)d) * slot - now
    end
  end
  if wait > 0 then refused = true end
  answer[i] = {used, wait}
end
for i, key in ipairs(KEYS) do
  if spend and not refused then
    local limit, seconds = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
    if limit <= %(exact)d then
      local hit = redis.call('INCR', key .. ':n')
      redis.call('PEXPIRE', key .. ':n', seconds * 2000)
      redis.call('ZADD', key, now, hit)
    else
      redis.call('HINCRBY', key, math.floor(now / (seconds / %(slots)d)), 1)
    end
    redis.call('PEXPIRE', key, seconds * 1100)
    answer[i][1] = answer[i][1] + 1
  end
  answer[i] = {answer[i][1], tostring(answer[i][2])}
end
return answer
""" % {"exact": EXACT, "slots": SLOTS}  # noqa: UP031  # braces are Lua's own here

# One try of a secret, counted before the secret is looked at. ARGV: free, longest, memory.
ATTEMPT = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local free, longest = tonumber(ARGV[1]), tonumber(ARGV[2])
local not_before = tonumber(redis.call('HGET', KEYS[1], 'not_before') or '0')
if now < not_before then return tostring(not_before - now) end
local tried = redis.call('HINCRBY', KEYS[1], 'tried', 1)
if tried >= free then
  local delay = math.min(2 ^ math.min(tried - free, 30), longest)
  redis.call('HSET', KEYS[1], 'not_before', string.format('%.6f', now + delay))
end
redis.call('EXPIRE', KEYS[1], ARGV[3])
return '0'
"""


def place_of(window: Window) -> str:
    """The key of a window in the store: when a limit changes, two forms of counting never meet
    under one key, which would be an error until the old one expires.
    """
    form = "log" if window.limit <= EXACT else "ring"
    return f"window:{form}:{window.seconds}:{window.key}"


class RedisCounters:
    """Sliding windows shared by every process: one round trip for all windows of a request."""

    def __init__(self, url: str) -> None:
        # No retries and short time-outs: a limiter that waits for its store is an outage of its
        # own.
        patience = settings.COUNTERS_TIMEOUT
        client = redis.Redis.from_url(
            url,
            socket_timeout=patience,
            socket_connect_timeout=patience,
            retry=Retry(NoBackoff(), 0),
        )
        self._client = client
        self._script = client.register_script(SCRIPT)
        self._attempt = client.register_script(ATTEMPT)
        self._down_until = 0.0

    def take(self, windows: Sequence[Window], *, spend: bool = True) -> list[Taken]:
        """See Counters."""
        arguments: list[int] = [int(spend)]
        for window in windows:
            arguments += [window.limit, window.seconds]
        keys = [place_of(window) for window in windows]
        rows = self._asked(lambda: self._script(keys=keys, args=arguments))
        return [
            Taken(window, max(0, window.limit - int(used)), float(wait))
            for window, (used, wait) in zip(windows, rows, strict=True)
        ]

    def attempt(self, key: str, patience: Patience) -> float:
        """See Counters."""
        return float(self._asked(lambda: self._attempt(keys=[key], args=list(patience))))

    def forgive(self, key: str) -> None:
        """See Counters."""
        self._asked(lambda: self._client.delete(key))

    def _asked(self, question: Callable[[], Any]) -> Any:
        if time.monotonic() < self._down_until:
            raise StoreUnavailable("The counters' store failed a moment ago.")
        try:
            return question()
        except redis.RedisError as fault:
            self._down_until = time.monotonic() + PAUSE
            raise StoreUnavailable("The counters' store does not answer.") from fault


@cache
def local() -> MemoryCounters:
    """The windows of this process alone."""
    return MemoryCounters()


@cache
def shared() -> Counters:
    """The windows that every process sees: Redis where REDIS_URL names one, else this process."""
    return RedisCounters(settings.REDIS_URL) if settings.REDIS_URL else local()
