"""Sliding windows in Redis, which every process shares."""

import hashlib
import logging
import os
import select
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from saas.counters import (
    PLACE_FREE_IN,
    SLOTS,
    Patience,
    StoreUnavailable,
    Taken,
    Window,
    form_of,
    new_ticket,
    place_of,
)

log = logging.getLogger("saas.counters")

PAUSE = 1.0  # seconds without asking a store that just failed

# One call for all windows of a request. The clock is the store's own, so that web processes
# with different clocks count alike. KEYS[i] has form ARGV[3i], limit and seconds after it. A ring
# holds `used` hits in all, of which `old` were before the slot `at`; only the first hit of a slot,
# and who is over the limit, looks at the slots one by one.
SCRIPT = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local spend, ticket, answer, begun = ARGV[1] == '1', ARGV[2], {}, {}
for i, key in ipairs(KEYS) do
  local form, limit, seconds = ARGV[3 * i], tonumber(ARGV[3 * i + 1]), tonumber(ARGV[3 * i + 2])
  local used, wait = 0, 0
  if form == 'held' then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    used = redis.call('ZCARD', key)
    if used >= limit then wait = %(free_in)s end
  elseif form == 'log' then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now - seconds)
    used = redis.call('ZCARD', key)
    if used >= limit then
      local first = redis.call('ZRANGE', key, used - limit, used - limit, 'WITHSCORES')
      wait = tonumber(first[2]) + seconds - now
    end
  else
    local slot = seconds / %(slots)d
    local current, counts = math.floor(now / slot), {}
    local known = redis.call('HMGET', key, 'at', 'old', 'used')
    local since = tonumber(known[1])
    used = tonumber(known[3]) or 0
    if since ~= current or used >= limit then
      if since then redis.call('HSET', key, since, used - known[2]) end
      used = 0
      local stored = redis.call('HGETALL', key)
      for j = 1, #stored, 2 do
        local at = tonumber(stored[j])
        if at and at < current - %(slots)d then redis.call('HDEL', key, stored[j])
        elseif at then counts[at] = tonumber(stored[j + 1]); used = used + counts[at] end
      end
      begun[i] = {current, used - (counts[current] or 0)}
    end
    if used >= limit then
      local left, at = used, current - %(slots)d
      while left >= limit do left = left - (counts[at] or 0); at = at + 1 end
      wait = (at + %(slots)d) * slot - now
    end
  end
  if wait > 0 then spend = false end
  answer[2 * i - 1], answer[2 * i] = used, tostring(wait)
end
for i, key in ipairs(KEYS) do
  if spend then
    local form, seconds = ARGV[3 * i], tonumber(ARGV[3 * i + 2])
    local slot = begun[i]
    if form == 'held' then redis.call('ZADD', key, now + seconds, ticket)
    elseif form == 'log' then redis.call('ZADD', key, now, ticket)
    elseif slot then
      redis.call('HSET', key, 'at', slot[1], 'old', slot[2], 'used', answer[2 * i - 1] + 1)
    else redis.call('HINCRBY', key, 'used', 1) end
    if slot or form ~= 'ring' then redis.call('PEXPIRE', key, seconds * 1100) end
    answer[2 * i - 1] = answer[2 * i - 1] + 1
  end
end
return table.concat(answer, ' ')
""" % {"free_in": PLACE_FREE_IN, "slots": SLOTS}  # noqa: UP031  # braces are Lua's own here

# One try of a secret, counted before the secret is looked at. ARGV: a Patience.
ATTEMPT = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local free, longest, first = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[4])
local not_before = tonumber(redis.call('HGET', KEYS[1], 'not_before') or '0')
if now < not_before then return tostring(not_before - now) end
local tried = redis.call('HINCRBY', KEYS[1], 'tried', 1)
if tried >= free then
  local delay = math.min(first * 2 ^ math.min(tried - free, 30), longest)
  redis.call('HSET', KEYS[1], 'not_before', string.format('%.6f', now + delay))
end
redis.call('EXPIRE', KEYS[1], ARGV[3])
return '0'
"""


class Words(NamedTuple):
    """Words of a command in the store's protocol (RESP: an array of bulk strings). The client's own
    way asks of each argument what it may be, which costs more than the count.
    """

    number: int
    text: bytes

    def __add__(self, more: "Words") -> "Words":  # type: ignore[override]  # words, not a tuple
        """Those words and then these."""
        return Words(self.number + more.number, self.text + more.text)

    def command(self) -> bytes:
        """The whole, as it is sent."""
        return b"*%d\r\n%b" % self


def words(*given: object) -> Words:
    """Each as the store reads it."""
    texts = [str(one).encode() for one in given]
    return Words(len(texts), b"".join(b"$%d\r\n%b\r\n" % (len(text), text) for text in texts))


@lru_cache(1024)  # a caller asks the same each time, under another ticket
def around_the_ticket(windows: tuple[Window, ...], spend: bool) -> tuple[Words, Words]:
    """What SCRIPT is given, before the ticket and after it."""
    limits = [one for w in windows for one in (form_of(w), w.limit, w.seconds)]
    return words(len(windows), *map(place_of, windows), int(spend)), words(*limits)


def has_news(connection: Any) -> bool:
    """Whether anything is to be read where nothing was asked. The system is asked alone: the
    client's own `can_read` reads, and costs ten times as much.
    """
    if connection._sock is None:
        return False
    looked = select.poll()
    looked.register(connection._sock, select.POLLIN)
    return bool(looked.poll(0))


class OneWay:
    """A connection on which the server is told and never asked (CLIENT REPLY OFF): who sends waits
    for nobody.
    """

    def __init__(self, pool: redis.ConnectionPool) -> None:
        self._pool = pool
        self._lock = threading.Lock()
        self._connection: Any = None

    def tell(self, *command: str) -> None:
        """Send `command`. Raises RedisError."""
        with self._lock:
            # Anything to be read is the end of the connection, or a server that does not keep
            # silent: both ask for a new one.
            if self._connection is None or has_news(self._connection):
                self._open()
            self._connection.send_packed_command([words(*command).command()])

    def _open(self) -> None:
        if self._connection is not None:
            self._connection.disconnect()
        self._connection = None  # in case that this fails
        connection: Any = self._pool.make_connection()
        connection.connect()
        connection.send_command("CLIENT", "REPLY", "OFF")
        self._connection = connection


class Script:
    """A script of the store on connections of our own: what the client's general path looks at for
    each command costs as much as the count itself.
    """

    def __init__(self, pool: redis.ConnectionPool, text: str) -> None:
        self._pool = pool
        self._whole = words("EVAL", text)
        name = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        self._known = words("EVALSHA", name)
        # By process: two on one connection would read each other's answers.
        self._free: dict[int, deque[Any]] = defaultdict(deque)

    def __call__(self, given: Words) -> Any:
        """The script's answer to the number of keys, keys and arguments. Raises RedisError."""
        free = self._free[os.getpid()]
        connection = free.pop() if free else self._pool.make_connection()
        try:
            if has_news(connection):  # its end: the store was started again
                connection.disconnect()
            try:
                connection.send_packed_command([(self._known + given).command()])
                answer = connection.read_response()
            except redis.exceptions.NoScriptError:  # the store is new, or was emptied
                connection.send_packed_command([(self._whole + given).command()])
                answer = connection.read_response()
        except BaseException:
            connection.disconnect()  # or the next caller would read what this one did not
            raise
        free.append(connection)
        return answer


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
        self._script = Script(client.connection_pool, SCRIPT)
        self._attempt = client.register_script(ATTEMPT)
        self._one_way = OneWay(client.connection_pool)
        self._lost: deque[tuple[str, str]] = deque(maxlen=1000)  # places to give back later
        self._lock = threading.Lock()
        self._down_until = 0.0  # 0 while the store answers

    def take(
        self, windows: Sequence[Window], *, spend: bool = True, ticket: str = ""
    ) -> list[Taken]:
        """See Counters."""
        ticket = ticket or new_ticket()
        before, after = around_the_ticket(tuple(windows), spend)
        try:
            answer = self._asked(lambda: self._script(before + words(ticket) + after)).split()
        except StoreUnavailable as gone:
            if gone.__cause__:  # it was asked: a store that only slept may still count this hit
                self._lost += [(place_of(held), ticket) for held in windows if held.held]
            raise
        return [
            Taken(window, max(0, window.limit - int(used)), float(wait))
            for window, used, wait in zip(windows, answer[::2], answer[1::2], strict=True)
        ]

    def release(self, window: Window, ticket: str) -> None:
        """See Counters."""
        self._told(place_of(window), ticket)

    def attempt(self, key: str, patience: Patience) -> float:
        """See Counters."""
        return float(self._asked(lambda: self._attempt(keys=[key], args=list(patience))))

    def forgive(self, key: str) -> None:
        """See Counters."""
        self._asked(lambda: self._client.delete(key))

    def _asked(self, question: Callable[[], Any]) -> Any:
        """Ask the store; after a failure one caller a second tries, and nobody else waits."""
        with self._lock:
            if time.monotonic() < self._down_until:
                raise StoreUnavailable("The counters' store failed a moment ago.")
            if self._down_until:
                self._down_until = time.monotonic() + PAUSE
        try:
            answer = question()
        except (redis.RedisError, OSError) as fault:
            self._gone(fault)
            raise StoreUnavailable("The counters' store does not answer.") from fault
        if self._down_until:
            self._back()
        return answer

    def _told(self, place: str, ticket: str) -> None:
        if not self._down_until:  # what is only told does not show whether anybody listens
            try:
                return self._one_way.tell("ZREM", place, ticket)
            except (redis.RedisError, OSError) as fault:
                self._gone(fault)
        self._lost.append((place, ticket))

    def _gone(self, fault: Exception) -> None:
        with self._lock:
            before, self._down_until = self._down_until, time.monotonic() + PAUSE
        if not before:  # once for each outage, not for each request
            log.error("the store of the counters is gone: %s", type(fault).__name__)

    def _back(self) -> None:
        """The store answers again: tell it what was over while it was away."""
        with self._lock:
            before, self._down_until = self._down_until, 0.0
            lost = [self._lost.popleft() for _ in range(len(self._lost))]
        if before:
            log.warning("the store of the counters answers again")
        for place, ticket in lost:
            self._told(place, ticket)
