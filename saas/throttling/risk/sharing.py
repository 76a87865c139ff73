"""All processes come to the same score: each tells what it noticed, once a second, and hears the
rest. No request waits for it.
"""

import json
import logging
import os
import threading
import time
from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

import redis
from django.conf import settings
from django.db import connection

from saas.ids import uuid7
from saas.throttling import limits
from saas.throttling.risk import conf
from saas.throttling.risk.scores import DAY, WAITING, Event, Scores, Standing

log = logging.getLogger("saas.risk")

STREAM, KEPT = "risk:events", 10_000
_running = 0  # the process whose thread runs
_lock = threading.Lock()


class Exchange:
    """One process's side of it. Without Redis there is no other side."""

    def __init__(self, scores: Scores, client: "redis.Redis | None") -> None:
        self.scores = scores
        self._client = client
        self._me = str(uuid7())
        self._heard = "0"

    def beat(self) -> None:
        """Tell and hear; then say whose limits have moved, by what all together
        know. Raises RedisError.
        """
        now = time.time()
        told, asked = self._collected()
        if self._client is not None:
            try:
                self._exchange(self._client, told, asked)
            except redis.RedisError:
                with self.scores.lock:
                    self.scores.outgoing.extendleft(reversed(told))
                    self.scores.unknown |= set(asked)
                raise
        else:
            for principal in asked:
                self._is_clean(principal, now)
        moves = self._moves(now)
        answers = self._said_before(moves) if moves else []
        for (principal, factor), before in zip(moves, answers, strict=True):
            self._moved(principal, factor, before)

    def _collected(self) -> tuple[list[Event], list[str]]:
        """What is to be told, and whose record is to be asked for."""
        scores = self.scores
        with scores.lock:
            told = [scores.outgoing.popleft() for _ in range(len(scores.outgoing))]
            asked, scores.unknown = sorted(scores.unknown), set()
        return told, asked

    def _moves(self, now: float) -> list[tuple[str, float]]:
        """Whose limits have moved, and to what."""
        scores, moves = self.scores, []
        with scores.lock:
            for principal in sorted(scores.stirred):
                standing = scores.all[principal]
                factor = standing.slowed_at(now)
                if factor != standing.told and standing.tenant:
                    moves.append((principal, factor))
                elif factor == standing.told == 1.0:
                    scores.stirred.discard(principal)
        return moves

    def _exchange(self, client: "redis.Redis", told: list[Event], asked: list[str]) -> None:
        """Tell what happened here, hear what did elsewhere, and ask for records: one round trip."""
        kept = int(conf.RISK.forgotten)
        with client.pipeline(transaction=False) as pipe:
            if told:
                told_now = {"from": self._me, "events": json.dumps(told)}
                pipe.xadd(STREAM, told_now, maxlen=KEPT, approximate=True)  # type: ignore[arg-type]  # its stubs are invariant
                for principal, at in {event.principal: event.at for event in told}.items():
                    pipe.set(f"risk:since:{principal}", at, ex=kept)
            heard_at = len(pipe)
            pipe.xread({STREAM: self._heard}, count=KEPT)
            for principal in asked:
                pipe.set(f"risk:since:{principal}", time.time(), ex=kept, nx=True)
                pipe.expire(f"risk:since:{principal}", kept)
                pipe.get(f"risk:since:{principal}")
            answers: list[Any] = pipe.execute()
        self._hear(answers[heard_at])
        since = answers[heard_at + 3 : heard_at + 1 + 3 * len(asked) : 3]
        for principal, at in zip(asked, since, strict=True):
            self._is_clean(principal, float(at))

    def _said_before(self, moves: Sequence[tuple[str, float]]) -> list[Any]:
        """What was last said of each of those, by whichever process; from now on it is this."""
        if self._client is None:
            return [None] * len(moves)
        with self._client.pipeline(transaction=False) as pipe:
            for principal, factor in moves:
                pipe.set(f"risk:told:{principal}", factor, ex=86_400, get=True)
            return pipe.execute()

    def _hear(self, streams: Any) -> None:
        for _, entries in streams or []:
            for id, entry in entries:
                self._heard = id.decode()
                if entry[b"from"].decode() != self._me:
                    for event in json.loads(entry[b"events"]):
                        self.scores.apply(Event(*event))

    def _is_clean(self, principal: str, since: float) -> None:
        """So long nothing was held against them. What this process knows better stays."""
        with self.scores.lock:
            if standing := self.scores.all.get(principal):
                standing.clean_since = max(standing.clean_since or 0.0, since)

    def _moved(self, principal: str, factor: float, before: bytes | None) -> None:
        """Say so, unless another process has."""
        standing = self.scores.all.get(principal)
        if standing is None or standing.tenant is None:
            return
        standing.told = factor
        if before is not None and float(before) == factor:
            return
        limits.moved.send_robust(
            sender=None,
            tenant_id=UUID(standing.tenant),
            principal_id=UUID(principal),
            factor=factor,
            reasons=list(dict.fromkeys(reason.rule for reason in standing.reasons)),
        )


@cache
def client() -> "redis.Redis | None":
    """The store that the processes share."""
    if not settings.REDIS_URL:
        return None
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)


def recalled(principal: str) -> Standing | None:
    """What the processes together know of somebody; None when there is no store to ask."""
    store = client()
    if store is None:
        return None
    scores = Scores()
    scores.unknown.add(principal)
    standing = scores.of(principal)
    with store.pipeline(transaction=False) as pipe:
        pipe.get(f"risk:since:{principal}")
        pipe.xrange(STREAM, count=KEPT + WAITING)
        since, entries = pipe.execute()
    for _, entry in entries:
        for event in json.loads(entry[b"events"]):
            if event[0] == principal:
                scores.apply(Event(*event))
    if since is not None:
        standing.clean_since = max(standing.clean_since or 0.0, float(since))
    return standing


def vouch(principal: str, by: str) -> None:
    """Every process takes this record for a clean one of long ago, until something is held against
    it. Raises RedisError; without a store nobody could be told.
    """
    store, now = client(), time.time()
    if store is None:
        raise redis.ConnectionError("There is no store.")
    since = now - conf.RISK.trust_days * DAY
    event = Event(principal, None, now, f"vouched for by {by}", 0.0, since=since)
    with store.pipeline(transaction=False) as pipe:
        told: Any = {"from": f"operator {by}", "events": json.dumps([event])}
        pipe.xadd(STREAM, told, maxlen=KEPT, approximate=True)
        pipe.set(f"risk:since:{principal}", since, ex=int(conf.RISK.forgotten))
        pipe.execute()
    log.warning("%s vouches for the record of %s", by, principal)


def start(scores: Scores) -> None:
    """Let this process beat, from its first line on: a thread does not survive a fork."""
    global _running
    if _running == os.getpid() or not conf.RISK.beat:
        return
    with _lock:
        if _running != os.getpid():
            _running = os.getpid()
            threading.Thread(target=_run, args=[scores], name="risk", daemon=True).start()


def _run(scores: Scores) -> None:
    exchange, was_well = Exchange(scores, client()), True
    while True:
        time.sleep(conf.RISK.beat)
        try:
            exchange.beat()
            was_well = True
        except Exception as fault:
            if was_well:  # once for each outage
                log.exception("scores are not exchanged: %s", type(fault).__name__)
            was_well = False
        finally:
            connection.close()
