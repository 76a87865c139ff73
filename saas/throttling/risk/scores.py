"""A score from 0 to 100 for each principal: rules raise it, time halves it, memory is bounded."""

import threading
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from saas.throttling.risk import conf
from saas.throttling.risk.rules import RULES, Line, network_in

NETWORKS = 8  # of one principal that are remembered
REASONS = 10
WAITING = 1000  # events that wait to be told to the other processes
DAY = 86_400
TRUST = 1.0  # whose factor is above has a record that is clean


class Event(NamedTuple):
    """What raised a score; it travels between processes."""

    principal: str
    tenant: str | None
    at: float
    rule: str
    points: float
    up_to: float = 100.0
    detail: str = ""
    until: float = 0.0  # whom a tenth is held for, until when
    since: float = 0.0  # from when on a record counts as clean, because somebody vouches for it


@dataclass(slots=True)
class Reason:
    """A rule and how often it spoke, in one breath."""

    rule: str
    first: float
    last: float
    points: float
    times: int = 1


@dataclass(slots=True)
class Standing:
    """What is remembered of one principal."""

    tenant: str | None = None
    score: float = 0.0
    at: float = 0.0  # when the score was that
    clean_since: float | None = None  # without a point; None: nobody has said yet
    asked_at: float = 0.0
    held_until: float = 0.0
    told: float = 1.0  # the factor that the trail knows
    networks: OrderedDict[str, None] = field(default_factory=OrderedDict)
    reasons: deque[Reason] = field(default_factory=lambda: deque(maxlen=REASONS))
    minute: int = 0
    met: dict[str, int] = field(default_factory=dict)  # rules that were met in this minute

    def score_at(self, now: float) -> float:
        """What time has left of it."""
        return float(self.score * 0.5 ** (max(0.0, now - self.at) / conf.RISK.half_life))

    def slowed_at(self, now: float) -> float:
        """What is left of the limits: 1 where nothing is held against them."""
        if self.held_until > now:
            return conf.TENTH
        score = self.score_at(now)
        return next((factor for least, factor in conf.BANDS if score >= least), 1.0)

    def factor_at(self, now: float) -> float:
        """The same, or more than 1 for a record without a point: a tenth for each tenth of
        `trust_days`, and at most double.
        """
        slowed = self.slowed_at(now)
        if slowed < 1 or self.clean_since is None or self.score_at(now) >= conf.TRUSTED:
            return slowed
        tenths = int((now - self.clean_since) / (conf.RISK.trust_days * DAY / 10))
        return 1 + min(max(tenths, 0), 10) / 10

    def remember(self, network: str) -> None:
        """They were seen there."""
        self.networks[network] = None
        self.networks.move_to_end(network)
        if len(self.networks) > NETWORKS:
            self.networks.popitem(last=False)


class Scores:
    """The standing of the principals that this process has seen last."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.all: OrderedDict[str, Standing] = OrderedDict()
        self.outgoing: deque[Event] = deque(maxlen=WAITING)
        self.unknown: set[str] = set()  # whose record the others may know
        self.stirred: set[str] = set()  # whose limits may have moved

    def hear(self, line: Line) -> None:
        """Judge one line. It carries its own time, so that recorded lines can be replayed."""
        if line["principal"] is None:
            return
        at = datetime.fromisoformat(line["ts"]).timestamp()
        with self.lock:
            standing = self.of(line["principal"])
            standing.tenant = line["org"]
            if at - standing.asked_at > 3600 and len(self.unknown) < WAITING:
                standing.asked_at = at
                self.unknown.add(line["principal"])
            if standing.minute != int(at // 60):
                standing.minute, standing.met = int(at // 60), {}
            for rule in RULES:
                if not rule.meets(line, standing.networks):
                    continue
                standing.met[rule.name] = times = standing.met.get(rule.name, 0) + 1
                if times > rule.free and standing.score_at(at) + 1 <= rule.up_to:
                    self._note(
                        Event(
                            line["principal"],
                            line["org"],
                            at,
                            rule.name,
                            rule.points,
                            rule.up_to,
                            network_in(line) if rule.name == "new-network" else "",
                        )
                    )
            standing.remember(network_in(line))

    def note(self, event: Event) -> None:
        """Something that stands in no line."""
        with self.lock:
            self._note(event)

    def _note(self, event: Event) -> None:
        self._apply(event)
        self.outgoing.append(event)

    def apply(self, event: Event) -> None:
        """What happened, here or in another process."""
        with self.lock:
            if event.rule != "new-network" or event.detail not in self.of(event.principal).networks:
                self._apply(event)

    def _apply(self, event: Event) -> None:
        standing = self.of(event.principal)
        now = max(event.at, standing.at)
        before = standing.score_at(now)
        age = now - event.at  # what was late has been halved on its way
        raised = before + event.points * 0.5 ** (age / conf.RISK.half_life)
        standing.score, standing.at = max(before, min(raised, event.up_to)), now
        standing.tenant = event.tenant or standing.tenant
        standing.held_until = max(standing.held_until, event.until)
        standing.clean_since = event.since or max(standing.clean_since or 0.0, event.at)
        if event.detail and event.rule == "new-network":
            standing.remember(event.detail)
        last = standing.reasons[-1] if standing.reasons else None
        if last and last.rule == event.rule and event.at - last.last < 60:
            last.last, last.times = event.at, last.times + 1
            last.points += event.points
        else:
            standing.reasons.append(Reason(event.rule, event.at, event.at, event.points))
        self.stirred.add(event.principal)

    def of(self, principal: str) -> Standing:
        """Their standing; whoever was heard of longest ago is forgotten for it."""
        standing = self.all.get(principal)
        if standing is None:
            standing = self.all[principal] = Standing()
            if len(self.all) > conf.RISK.most:
                gone, _ = self.all.popitem(last=False)
                self.stirred.discard(gone)
                self.unknown.discard(gone)
        self.all.move_to_end(principal)
        return standing

    def factor(self, principal: str) -> float:
        """By how much their limits are moved; asked by every request, so it waits for nobody."""
        standing = self.all.get(principal)
        return standing.factor_at(time.time()) if standing else 1.0

    def is_trusted(self, principal: str) -> bool:
        """Whether their record has been clean for days, or somebody vouches for it."""
        return self.factor(principal) > TRUST
