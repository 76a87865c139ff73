"""LOG-12: a caller who is suddenly another than they were in every week before."""

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any

from saas.watch import baselines
from saas.watch.detectors import Detector
from saas.watch.lines import REFUSED, Hit, Line, Scene, principal_of, seconds_of
from saas.watch.tallies import SUBJECTS, Mark, Tallies, Tally, kept

HOUR = 3600
SETTLED = 60  # seconds after an hour's end: then every process has counted its lines of it
LEAST = {"requests": 100, "refusals": 20, "objects": 50, "bytes": 1 << 20}  # below: nobody's news
MOST = {"requests": 5000, "refusals": 700, "objects": 2000, "bytes": 1 << 28}  # nothing is known
Z = 6.0

Key = tuple[str, str, int]  # tenant, principal, hours since 1970


class Behaviour(Detector):
    """Requests, refusals, distinct objects or bytes of this hour, against the same hour of former
    weeks: of the principal, else of its organization, else against a fixed figure.
    """

    kind = "behaviour.departed"
    means = "A caller does far more than it ever did at this hour of the week."
    window = HOUR
    threshold = 1
    playbook = "unusual-behaviour"

    def __init__(self) -> None:
        super().__init__()
        self._hours: OrderedDict[Key, dict[str, float]] = OrderedDict()  # that are not learned yet

    def batch(self, lines: Sequence[Line], tallies: Tallies) -> Iterator[tuple[Line, Hit]]:
        """Count the hour, and judge what stands there now. Hours that ended are learned first: a
        recorded stream brings the weeks that it is judged by.
        """
        known = [line for line in lines if line["principal"] and line["org"]]
        for hour, group in groupby(known, key=hour_of):
            self.learn(hour * HOUR, tallies)
            mine = list(group)
            totals = self.counted(hour, mine, tallies)
            last = {key_of(line): line for line in mine}
            for key, total in totals.items():
                if departed(key, total):
                    subject = principal_of(last[key])
                    assert subject is not None  # noqa: S101  # `known` has seen to it
                    yield last[key], Hit(subject)

    def rest(self, now: float, tallies: Tallies) -> None:
        """Learn the hours that ended a minute ago."""
        self.learn(now - SETTLED, tallies)

    def learn(self, before: float, tallies: Tallies) -> None:
        """Write down each hour that had ended by then; the first process to ask does so."""
        for key in [key for key in self._hours if (key[2] + 1) * HOUR <= before]:
            total = self._hours.pop(key)
            if tallies.claim(f"{place_of(key)}:learned", 3 * HOUR):
                whole = tallies.bump({place_of(key): {}}, 3 * HOUR)[place_of(key)]
                baselines.learn(*key, {**whole, "objects": total.get("objects", 0.0)})

    def counted(
        self, hour: int, lines: Iterable[Line], tallies: Tallies
    ) -> dict[Key, dict[str, float]]:
        """The hour's totals so far, of all processes, for each caller of these lines."""
        sums: dict[Key, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        objects: dict[Key, set[str]] = defaultdict(set)
        for line in lines:
            mine = sums[key_of(line)]
            mine["requests"] += 1
            mine["refusals"] += line["status"] in REFUSED
            mine["bytes"] += line["bytes_out"]
            objects[key_of(line)].update(line["object_ids"])
        totals = tallies.bump({place_of(key): mine for key, mine in sums.items()}, 3 * HOUR)
        marks = [
            Mark(Tally(self.kind, place_of(key), 2 * HOUR, True), 0, 0, frozenset(ids))
            for key, ids in objects.items()
        ]
        seen = [sum(window) for window in tallies.add(marks)] if marks else []
        found = {key: totals[place_of(key)] for key in sums}
        for key, count in zip(objects, seen, strict=True):
            found[key]["objects"] = count
        for key, total in found.items():
            kept(self._hours, key, dict, SUBJECTS).update(total)
        return found

    def before(self, scene: Scene) -> list[dict[str, Any]]:
        """Four weeks in which this hour was quiet."""
        whole = scene.begins.replace(minute=0, second=0, microsecond=0)
        weeks = [whole - timedelta(weeks=back) for back in (4, 3, 2, 1)]
        return [
            scene.line(at=(week - scene.begins).total_seconds() + n * 30, object_ids=[str(n)])
            for week in weeks
            for n in range(20 + week.day % 5)
        ]

    def simulate(self, scene: Scene) -> list[dict[str, Any]]:
        """The same key, at the same hour, takes another thing every two seconds."""
        start = minutes_in(scene)
        return [scene.line(at=2 * n - start, object_ids=[str(n)]) for n in range(200)]

    def benign(self, scene: Scene) -> list[dict[str, Any]]:
        """A busy day: twice the usual."""
        start = minutes_in(scene)
        return [scene.line(at=60 * n - start, object_ids=[str(n)]) for n in range(45)]


def minutes_in(scene: Scene) -> float:
    """Seconds since the hour began in which a scene begins."""
    return scene.begins.timestamp() % HOUR


def hour_of(line: Line) -> int:
    """Hours since 1970."""
    return int(seconds_of(line["ts"]) // HOUR)


def key_of(line: Line) -> Key:
    """Whose hour it is."""
    return line["org"], line["principal"], hour_of(line)


def place_of(key: Key) -> str:
    """Where the hour of a principal is counted."""
    return f"{Tally('hour', f'{key[0]}|{key[1]}', HOUR).key()}:{key[2]}"


def departed(key: Key, total: Mapping[str, float]) -> bool:
    """Whether something is too much: for this caller, or for any of whom nothing is known."""
    worth_asking = [name for name, least in LEAST.items() if total.get(name, 0) >= least]
    if not worth_asking:  # nearly always: then nothing is read
        return False
    usual = baselines.usual(*key)
    return any(
        usual[name].z(total[name]) > Z if name in usual else total[name] >= MOST[name]
        for name in worth_asking
    )
