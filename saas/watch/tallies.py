"""How often, in sliding windows that every process shares, and in memory that has a bound."""

import logging
import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger("saas.watch")

SLOTS = 10  # of a window; the oldest is counted whole, so a window is up to a tenth too long
TIMEOUT = 0.5  # seconds: only the watch's own thread waits for it
PAUSE = 5.0  # seconds without asking a store that just failed
SUBJECTS = 10_000  # of one detector in one process; who was seen longest ago goes
MEMBERS = 2_000  # distinct ones of one slot in one process
NOTES = 20_000  # that one process remembers without a store


class Tally(NamedTuple):
    """What is counted: of one detector, for one subject."""

    detector: str
    subject: str
    window: int
    distinct: bool = False

    @property
    def slot(self) -> float:
        """Seconds of one slot."""
        return self.window / SLOTS

    def key(self) -> str:
        """Short, whatever the subject is called; and no log or dump of the store tells who."""
        named = f"{self.detector}|{self.window}|{self.subject}".encode()
        return f"watch:{blake2b(named, digest_size=12).hexdigest()}"


class Mark(NamedTuple):
    """What one batch of lines adds to a tally in one slot of its window."""

    tally: Tally
    at: int  # the number of the slot since 1970
    weight: int
    members: frozenset[str] = frozenset()


class Tallies(Protocol):
    """Where hits of all processes come together."""

    def add(self, marks: Sequence[Mark]) -> list[list[int]]:
        """Count, and tell for each mark the slots of the window that ends with its own, the oldest
        first; of what is distinct only their sum.
        """
        ...

    def claim(self, key: str, seconds: int) -> bool:
        """Whether this is the first claim of `key` in so many seconds, of all processes."""
        ...

    def bump(
        self, changes: Mapping[str, Mapping[str, float]], seconds: int
    ) -> dict[str, dict[str, float]]:
        """Add to the named numbers under each key, which goes `seconds` after it was last touched;
        tell all numbers that then stand there.
        """
        ...

    def recall(self, keys: Sequence[str]) -> list[str | None]:
        """What was remembered under each key."""
        ...

    def remember(self, notes: Mapping[str, str], seconds: int) -> None:
        """Keep short texts for so many seconds."""
        ...


class MemoryTallies:
    """The tallies of one process: where there is no Redis, and while it is gone."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: dict[str, OrderedDict[str, dict[int, Any]]] = defaultdict(OrderedDict)
        self._claims: OrderedDict[str, float] = OrderedDict()
        self._numbers: OrderedDict[str, dict[str, float]] = OrderedDict()
        self._notes: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def add(self, marks: Sequence[Mark]) -> list[list[int]]:
        """See Tallies."""
        for mark in marks:
            subjects = self._counts[mark.tally.detector]
            slots = kept(subjects, mark.tally.key(), dict, SUBJECTS)
            if mark.tally.distinct:
                members = slots.setdefault(mark.at, set())
                members.update(sorted(mark.members)[: MEMBERS - len(members)])
            else:
                slots[mark.at] = slots.get(mark.at, 0) + mark.weight
        windows = [self._window(mark) for mark in marks]
        for mark in marks:  # only now: a batch of a recorded stream may hold many windows
            slots = self._counts[mark.tally.detector].get(mark.tally.key(), {})
            for old in [at for at in slots if at < mark.at - SLOTS]:
                del slots[old]
        return windows

    def _window(self, mark: Mark) -> list[int]:
        slots = self._counts[mark.tally.detector].get(mark.tally.key(), {})
        span = range(mark.at - SLOTS, mark.at + 1)
        if mark.tally.distinct:
            return [len(set().union(*(slots.get(at, ()) for at in span)))]
        return [slots.get(at, 0) for at in span]

    def claim(self, key: str, seconds: int) -> bool:
        """See Tallies."""
        now = self._clock()
        if self._claims.get(key, now) > now:
            return False
        self._claims.pop(key, None)
        kept(self._claims, key, float, SUBJECTS)
        self._claims[key] = now + seconds
        return True

    def bump(
        self, changes: Mapping[str, Mapping[str, float]], seconds: int
    ) -> dict[str, dict[str, float]]:
        """See Tallies."""
        for key, numbers in changes.items():
            stored = kept(self._numbers, key, dict, SUBJECTS)
            for name, number in numbers.items():
                stored[name] = stored.get(name, 0.0) + number
        return {key: dict(self._numbers.get(key, {})) for key in changes}

    def recall(self, keys: Sequence[str]) -> list[str | None]:
        """See Tallies."""
        now = self._clock()
        found = [self._notes.get(key, ("", 0.0)) for key in keys]
        return [text if end > now else None for text, end in found]

    def remember(self, notes: Mapping[str, str], seconds: int) -> None:
        """See Tallies."""
        for key, text in notes.items():
            kept(self._notes, key, tuple, NOTES)
            self._notes[key] = text, self._clock() + seconds


def kept[K, V](places: OrderedDict[K, V], key: K, new: Callable[[], Any], most: int) -> V:
    """The place of `key`, now the youngest; beyond `most` the oldest goes."""
    if key not in places:
        places[key] = new()
    places.move_to_end(key)
    if len(places) > most:
        places.popitem(last=False)
    return places[key]


class RedisTallies:
    """The tallies of all processes: one round trip for a batch. Each slot is a key that goes by
    itself, so nothing has to be swept.
    """

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )

    def add(self, marks: Sequence[Mark]) -> list[list[int]]:
        """See Tallies."""
        with self._client.pipeline(transaction=False) as pipe:
            for tally, at, weight, members in marks:
                key = f"{tally.key()}:{at}"
                if tally.distinct:
                    pipe.pfadd(key, *members)
                else:
                    pipe.incrby(key, weight)
                pipe.expire(key, 2 * tally.window)
            for tally, at, *_ in marks:
                keys = [f"{tally.key()}:{slot}" for slot in range(at - SLOTS, at + 1)]
                if tally.distinct:
                    pipe.pfcount(*keys)
                else:
                    pipe.mget(keys)
            answers = pipe.execute()[2 * len(marks) :]
        return [
            [answer] if isinstance(answer, int) else [int(count or 0) for count in answer]
            for answer in answers
        ]

    def claim(self, key: str, seconds: int) -> bool:
        """See Tallies."""
        return bool(self._client.set(key, "1", nx=True, ex=seconds))

    def bump(
        self, changes: Mapping[str, Mapping[str, float]], seconds: int
    ) -> dict[str, dict[str, float]]:
        """See Tallies."""
        with self._client.pipeline(transaction=False) as pipe:
            for key, numbers in changes.items():
                for name, number in numbers.items():
                    pipe.hincrbyfloat(key, name, number)
                pipe.expire(key, seconds)
            for key in changes:
                pipe.hgetall(key)
            answers = pipe.execute()[-len(changes) :] if changes else []
        return {
            key: {name: float(number) for name, number in found.items()}
            for key, found in zip(changes, answers, strict=True)
        }

    def recall(self, keys: Sequence[str]) -> list[str | None]:
        """See Tallies."""
        found: Any = self._client.mget(keys) if keys else []
        return list(found)

    def remember(self, notes: Mapping[str, str], seconds: int) -> None:
        """See Tallies."""
        with self._client.pipeline(transaction=False) as pipe:
            for key, text in notes.items():
                pipe.set(key, text, ex=seconds)
            pipe.execute()


class SafeTallies:
    """The shared tallies, and while their store is gone those of this process: half blind is better
    than blind. Says so once for each outage.
    """

    def __init__(self, store: Tallies) -> None:
        self._store = store
        self._own = MemoryTallies()
        self._lock = threading.Lock()
        self._down_until = 0.0

    def add(self, marks: Sequence[Mark]) -> list[list[int]]:
        """See Tallies."""
        return self._asked(lambda tallies: tallies.add(marks))

    def claim(self, key: str, seconds: int) -> bool:
        """See Tallies."""
        return self._asked(lambda tallies: tallies.claim(key, seconds))

    def bump(
        self, changes: Mapping[str, Mapping[str, float]], seconds: int
    ) -> dict[str, dict[str, float]]:
        """See Tallies."""
        return self._asked(lambda tallies: tallies.bump(changes, seconds))

    def recall(self, keys: Sequence[str]) -> list[str | None]:
        """See Tallies."""
        return self._asked(lambda tallies: tallies.recall(keys))

    def remember(self, notes: Mapping[str, str], seconds: int) -> None:
        """See Tallies."""
        self._asked(lambda tallies: tallies.remember(notes, seconds))

    def _asked[R](self, question: Callable[[Tallies], R]) -> R:
        with self._lock:
            if time.monotonic() < self._down_until:
                return question(self._own)
            try:
                answer = question(self._store)
            except (redis.RedisError, OSError) as fault:
                if not self._down_until:
                    log.error("the store of the watch is gone: %s", type(fault).__name__)
                self._down_until = time.monotonic() + PAUSE
                return question(self._own)
            if self._down_until:
                self._down_until = 0.0
                log.warning("the store of the watch answers again")
            return answer


@cache
def shared() -> Tallies:
    """Redis where REDIS_URL names one, else this process."""
    return SafeTallies(RedisTallies(settings.REDIS_URL)) if settings.REDIS_URL else MemoryTallies()
