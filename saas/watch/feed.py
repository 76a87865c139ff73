"""From the access log to the alert, behind the requests: they only put a line into a queue."""

import atexit
import logging
import os
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import batched

from django.db import DatabaseError, connections

from saas.watch import tallies
from saas.watch.detectors import Detector, detectors
from saas.watch.findings import Finding, report
from saas.watch.lines import Hit, Line, Subject, network, seconds_of
from saas.watch.tallies import SLOTS, SUBJECTS, Mark, Tallies, Tally

log = logging.getLogger("saas.watch")

MOST = 20_000  # lines that wait; what comes on top is dropped and counted
AT_ONCE = 2_000  # lines that are judged together
PERIOD = 0.5  # seconds between two looks
LATE, EARLY = 120.0, 5.0  # seconds that a line's time may be off; beyond, it is set to now
HOUR, DAY = 3600, 86_400
SAMPLES = 5  # request ids that an alert shows
OWED = 1_000  # findings that wait for the database
TENANTS = 5  # that hear of a network which called them too


class Watch:
    """A queue of lines, and the one thread of this process that judges them."""

    def __init__(
        self,
        found: Iterable[Detector] | None = None,
        store: Tallies | None = None,
        clock: Callable[[], float] = time.time,
        live: bool = True,
        tell: Callable[[Finding], None] = report,
    ) -> None:
        self._detectors = list(detectors().values() if found is None else found)
        self._tallies = tallies.shared() if store is None else store
        self._clock = clock
        self._live = live
        self._tell = tell
        self._process = 0
        self._starting = threading.Lock()
        self._draining = threading.Lock()
        self._owed: deque[Finding] = deque(maxlen=OWED)
        self._admitted: dict[str, Admitted] = defaultdict(Admitted)
        self._met = Met(self._tallies)
        self._faults: set[str] = set()
        self.lines: deque[Line] = deque()
        self.dropped = 0

    def __call__(self, line: Line) -> None:
        """Take a line of the log; never waits and never fails."""
        if len(self.lines) >= MOST:
            self.dropped += 1
            return
        self.lines.append(line)
        if self._live and self._process != os.getpid():
            self._start()

    def _start(self) -> None:
        """One thread for each process, begun at its first line: no thread outlives a fork."""
        with self._starting:
            if self._process == os.getpid():
                return
            self._process = os.getpid()
            self._draining = threading.Lock()  # the parent's may have been held when it forked
            threading.Thread(target=self._work, name="watch", daemon=True).start()
            atexit.register(self._look)

    def _work(self) -> None:
        while True:
            time.sleep(PERIOD)
            self._look()

    def _look(self) -> None:
        """Drain, and go on whatever happens: a watch that one odd line ends watches nothing."""
        try:
            self.drain()
            connections.close_all()  # of this thread: it seldom needs one
        except Exception as fault:
            self._say_once(fault)

    def _say_once(self, fault: Exception) -> None:
        name = type(fault).__name__
        if name not in self._faults:
            self._faults.add(name)
            log.exception("the watch met %s and goes on", name)

    def drain(self, *, replayed: bool = False) -> None:
        """Judge the lines that wait, and report what is found; what comes meanwhile waits for the
        next look, or each of them would be a batch of its own. A recorded stream is `replayed` by
        its own clock.
        """
        with self._draining:
            dropped, self.dropped = self.dropped, 0
            if dropped:
                log.warning("the watch dropped %d lines: more came than it could judge", dropped)
            waiting = [self.lines.popleft() for _ in range(len(self.lines))]
            for batch in batched(waiting, AT_ONCE):
                self._owed.extend(self.judge(batch, replayed))
            if not replayed:
                self._rest()
            while self._owed:
                finding = self._owed.popleft()
                try:
                    self._tell(finding)
                except Exception as fault:  # it stays owed: the database may be gone for a while
                    if not finding.is_late:
                        self._owed.append(finding)
                    self._say_once(fault)
                    break  # till the next look

    def _rest(self) -> None:
        for detector in self._detectors:
            try:
                detector.rest(self._clock(), self._tallies)
            except Exception as fault:  # of one detector; the others go on
                self._say_once(fault)

    def judge(self, lines: Sequence[Line], replayed: bool = False) -> list[Finding]:
        """Count a batch, and tell what is over."""
        times = {id(line): self._time(line, replayed) for line in lines}
        self._met.note(lines, times)
        batches: dict[tuple[str, Subject], Batch] = defaultdict(Batch)
        for detector in self._detectors:
            for line, hit in self._hits(detector, lines):
                mine = batches[detector.kind, hit.subject]
                mine.add(hit, times[id(line)], detector, str(line["request_id"]))
        return list(self._over(batches))

    def _hits(self, detector: Detector, lines: Sequence[Line]) -> list[tuple[Line, Hit]]:
        """What one detector makes of a batch; if it fails, of each line alone: or who knows of an
        odd line could hide everything that comes with it.
        """
        try:
            return list(detector.batch(lines, self._tallies))
        except Exception as fault:  # of one detector; the others go on
            self._say_once(fault)
            if len(lines) == 1 or isinstance(fault, DatabaseError):
                return []
        return [found for line in lines for found in self._hits(detector, [line])]

    def _time(self, line: Line, replayed: bool) -> float:
        at = seconds_of(line["ts"])
        if replayed:
            return at
        now = self._clock()
        return at if now - LATE <= at <= now + EARLY else now

    def _over(self, batches: dict[tuple[str, Subject], "Batch"]) -> Iterable[Finding]:
        known = {one.kind: one for one in self._detectors}
        marks: list[Mark] = []
        whose: list[tuple[Detector, Subject, Batch]] = []
        for kind, detector in known.items():
            mine = {subject: b for (name, subject), b in batches.items() if name == kind}
            for subject, batch in self._admitted[kind].of(mine):
                for mark in batch.marks(detector, subject):
                    marks.append(mark)
                    whose.append((detector, subject, batch))
        if not marks:
            return
        windows = self._tallies.add(marks)
        usual: dict[tuple[str, Subject], float | None] = {}
        for mark, slots, (detector, subject, _) in zip(marks, windows, whose, strict=True):
            if mark.tally.window != detector.window:  # the day of one with a ratio
                usual[detector.kind, subject] = expected(slots, mark.tally, detector.window)
        rung = set()
        for mark, slots, (detector, subject, batch) in zip(marks, windows, whose, strict=True):
            if mark.tally.window != detector.window or (detector.kind, subject) in rung:
                continue
            total = sum(slots)
            if is_over(detector, total, usual.get((detector.kind, subject))) and self._is_first(
                detector, mark.tally
            ):
                rung.add((detector.kind, subject))
                yield Finding(
                    detector=detector,
                    subject=subject,
                    count=total,
                    request_ids=batch.request_ids,
                    tenants=self._tenants(subject, mark.at * mark.tally.slot),
                )

    def _is_first(self, detector: Detector, tally: Tally) -> bool:
        """Whether no process has told of it in this window: what goes on is told again after it."""
        return self._tallies.claim(f"{tally.key()}:told", detector.window)

    def _tenants(self, subject: Subject, at: float) -> tuple[str, ...]:
        if subject.tenant:
            return (subject.tenant,)
        return self._met.by(subject.name, at) if subject.type == "network" else ()


class Batch:
    """What some lines add for one detector and subject."""

    def __init__(self) -> None:
        self.weights: dict[int, int] = defaultdict(int)
        self.members: dict[int, set[str]] = defaultdict(set)
        self.request_ids: list[str] = []
        self.weight = 0
        self.days: dict[int, int] = defaultdict(int)

    def add(self, hit: Hit, at: float, detector: Detector, request_id: str) -> None:
        """One more hit."""
        slot = int(at // (detector.window / SLOTS))
        self.weights[slot] += hit.weight
        self.weight += hit.weight
        if detector.distinct and hit.member is not None:
            self.members[slot].add(hit.member)
        if detector.ratio:
            self.days[int(at // (DAY / SLOTS))] += hit.weight
        if len(self.request_ids) < SAMPLES:
            self.request_ids.append(request_id)

    def marks(self, detector: Detector, subject: Subject) -> Iterable[Mark]:
        """The same for the tallies: the window's, and the day's where there is a ratio."""
        name = f"{subject.type}|{subject.name}|{subject.tenant or ''}"
        tally = Tally(detector.kind, name, detector.window, detector.distinct)
        for at, weight in self.weights.items():
            yield Mark(tally, at, weight, frozenset(self.members[at]))
        day = Tally(detector.kind, name, DAY)
        for at, weight in self.days.items():
            yield Mark(day, at, weight)


class Met:
    """Which organizations a network called in this hour or the last: they hear of it too."""

    def __init__(self, store: Tallies) -> None:
        self._tallies = store
        self._told: set[tuple[str, str]] = set()  # what stands in the store already

    def note(self, lines: Sequence[Line], times: Mapping[int, float]) -> None:
        """Remember whom the lines' networks called."""
        pairs = {
            (self._key(network(line["ip"]), times[id(line)]), line["org"])
            for line in lines
            if line["org"]
        }
        new: dict[str, dict[str, float]] = defaultdict(dict)
        for key, tenant in pairs - self._told:
            new[key][tenant] = 1.0
        self._tallies.bump(new, 2 * HOUR)
        if len(self._told) > SUBJECTS:
            self._told.clear()
        self._told |= pairs

    def by(self, name: str, at: float) -> tuple[str, ...]:
        """The tenants that a network called, a few at most."""
        keys: dict[str, dict[str, float]] = {
            self._key(name, at): {},
            self._key(name, at - HOUR): {},
        }
        found = self._tallies.bump(keys, 2 * HOUR).values()
        return tuple(sorted({tenant for tenants in found for tenant in tenants}))[:TENANTS]

    def _key(self, name: str, at: float) -> str:
        return f"{Tally('met', name, HOUR).key()}:{int(at // HOUR)}"


class Admitted:
    """The subjects of one detector that this process counts in the shared store: so many in an
    hour and no more, or an attacker with many addresses fills the store.
    """

    def __init__(self) -> None:
        self._names: set[Subject] = set()
        self._hour = 0

    def of(self, batches: dict[Subject, Batch]) -> list[tuple[Subject, Batch]]:
        """Who is counted: who was before, and then who weighs most. Noise under many names weighs
        one each, and pushes out nobody who does much.
        """
        hour = int(time.monotonic() // 3600)
        if hour != self._hour:
            self._names, self._hour = set(), hour
        new = sorted(batches.keys() - self._names, key=lambda name: -batches[name].weight)
        self._names.update(new[: max(0, SUBJECTS - len(self._names))])
        return [(name, batch) for name, batch in batches.items() if name in self._names]


def expected(slots: Sequence[int], day: Tally, window: int) -> float | None:
    """What a window would hold if it were like the last 24 hours. The slot that goes on and the
    first one, of which we saw only a part, say nothing; where there is no other, nothing is known.
    """
    first = next((at for at, count in enumerate(slots) if count), len(slots))
    whole = slots[first + 1 : -1] if first else slots[:-1]
    return sum(whole) / len(whole) * window / day.slot if whole else None


def is_over(detector: Detector, total: int, usual: float | None) -> bool:
    """Whether a count is too high: by itself, or for whose it is."""
    if total >= detector.threshold:
        return True
    if not detector.ratio or usual is None or total < detector.minimum:
        return False
    return total > detector.ratio * usual
