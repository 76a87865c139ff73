"""LOG-07: who reads more different things than ever, in an hour or drop by drop in a day."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from saas.alerts import Severity
from saas.watch.detectors import Detector
from saas.watch.lines import Hit, Line, Scene, Subject, principal_of, seconds_of
from saas.watch.sketches import add_to, quantile
from saas.watch.tallies import SLOTS, Mark, Tallies, Tally

HOUR, DAY = 3600, 86_400
MONTH = 30 * DAY  # a profile holds this one and the last
KEPT = 2 * MONTH + DAY
P = 0.99


class Span(NamedTuple):
    """What is usual in an hour, or in a day."""

    seconds: int
    most: int  # for anybody, whatever is usual
    cold: int  # while nothing is known of anybody in the organization
    least: int  # below that nobody is asked
    times: float  # more than so many times the own 99th percentile is unusual
    samples: int  # hours or days from which on the own profile is enough


SPANS = (Span(HOUR, 10_000, 1_500, 300, 3.0, 24), Span(DAY, 50_000, 6_000, 1_500, 3.0, 5))


class DistinctObjects(Detector):
    """Distinct objects that a principal reads in an hour and in a day, against the 99th percentile
    of its own last weeks, else of its organization's, else a figure; and never beyond a cap.
    """

    kind = "objects.many-read"
    means = "A caller read far more different objects than it ever does: data may be carried away."
    severity = Severity.HIGH
    window = 86_400
    threshold = 1
    rung = "tighten"
    playbook = "many-objects"

    def batch(self, lines: Sequence[Line], tallies: Tallies) -> Iterator[tuple[Line, Hit]]:
        """Count, learn what has ended, and judge."""
        seen: dict[Subject, list[Line]] = defaultdict(list)
        for line in lines:
            subject = principal_of(line)
            if subject and line["method"] == "GET" and line["object_ids"] and line["status"] < 300:
                seen[subject].append(line)
        for span in SPANS:
            for line, subject in self._over(seen, span, tallies):
                yield line, Hit(subject)

    def _over(
        self, seen: Mapping[Subject, list[Line]], span: Span, tallies: Tallies
    ) -> Iterator[tuple[Line, Subject]]:
        marks, last = [], {}
        for subject, lines in seen.items():
            slots: dict[int, set[str]] = defaultdict(set)
            for line in lines:
                at = int(seconds_of(line["ts"]) // (span.seconds / SLOTS))
                slots[at].update(line["object_ids"])
                last[subject, at] = line
            tally = Tally(self.kind, f"{subject.tenant}|{subject.name}", span.seconds, True)
            marks += [(subject, Mark(tally, at, 1, frozenset(ids))) for at, ids in slots.items()]
        if not marks:
            return
        counts = [sum(found) for found in tallies.add([mark for _, mark in marks])]
        limits = self._limits(
            {
                subject: max(int(seconds_of(line["ts"])) for line in lines)
                for subject, lines in seen.items()
            },
            span,
            tallies,
        )
        peaks: dict[Subject, dict[int, int]] = defaultdict(dict)
        for (subject, mark), count in zip(marks, counts, strict=True):
            if count > limits[subject]:
                yield last[subject, mark.at], subject
            # What rings is learned no higher than what was allowed: an attack does not become its
            # own measure at once, and a new job is usual after a few runs.
            period, learned = mark.at // SLOTS, min(count, int(limits[subject]))
            peaks[subject][period] = max(learned, peaks[subject].get(period, 0))
        learn(peaks, span, tallies)

    def _limits(
        self, when: Mapping[Subject, int], span: Span, tallies: Tallies
    ) -> dict[Subject, float]:
        own = {subject: months_of(whose(subject), span, at) for subject, at in when.items()}
        all_ = {
            subject: months_of(whose(subject._replace(name="")), span, at)
            for subject, at in when.items()
        }
        days = {subject: months_of(whose(subject), SPANS[-1], at) for subject, at in when.items()}
        asked = {key for keys in (own, all_, days) for two in keys.values() for key in two}
        known = tallies.bump({key: {} for key in sorted(asked)}, KEPT)
        return {
            subject: limit(
                span,
                added([known[key] for key in own[subject]]),
                added([known[key] for key in all_[subject]]),
                added([known[key] for key in days[subject]]),
            )
            for subject in when
        }

    def before(self, scene: Scene) -> list[dict[str, Any]]:
        """A fortnight of working days."""
        return [
            reading(scene, day * DAY + hour * HOUR + n, 20, f"{day}-{hour}-{n}")
            for day in range(-14, 0)
            for hour in range(8, 17)
            for n in range(5)
        ]

    def simulate(self, scene: Scene) -> list[dict[str, Any]]:
        """One invoice after another, each ten seconds, the whole day."""
        return [reading(scene, 10 * n, 1, f"drip-{n}") for n in range(8640)]

    def benign(self, scene: Scene) -> list[dict[str, Any]]:
        """A busy day: twice the usual in every hour, and a page that reloads itself."""
        busy = [
            reading(scene, hour * HOUR + n, 20, f"busy-{hour}-{n}")
            for hour in range(8, 17)
            for n in range(10)
        ]
        return busy + [reading(scene, 17 * HOUR + 2 * n, 50, "same") for n in range(1500)]


def learn(peaks: Mapping[Subject, Mapping[int, int]], span: Span, tallies: Tallies) -> None:
    """Note the peaks of the period that goes on and of the one before it, into which the sliding
    window still reaches: what is judged must not be its own measure. What is older is a sample of
    the principal's profile and of the organization's. Of all processes one adds it.
    """
    notes = {subject: f"watch:peak:{span.seconds}:{whose(subject)}" for subject in peaks}
    before = dict(zip(notes, tallies.recall(list(notes.values())), strict=True))
    told: dict[str, str] = {}
    samples: dict[str, dict[str, float]] = defaultdict(dict)
    for subject, periods in peaks.items():
        known = [int(number) for number in (before[subject] or "").split()]
        seen = dict(zip(known[::2], known[1::2], strict=True))
        for period, count in periods.items():
            seen[period] = max(count, seen.get(period, 0))
        judged = max(seen) - 1
        told[notes[subject]] = " ".join(f"{at} {seen[at]}" for at in seen if at >= judged)
        for period in [at for at in seen if at < judged]:
            if tallies.claim(f"{notes[subject]}:{period}", KEPT):
                for name in (whose(subject), whose(subject._replace(name=""))):
                    place = profile(name, span.seconds, period * span.seconds)
                    add_to(samples[place], seen[period])
    tallies.remember(told, KEPT)
    tallies.bump(samples, KEPT)


def whose(subject: Subject) -> str:
    """A name for the store; without its own it is the organization's."""
    return f"{subject.tenant}:{subject.name}"


def profile(name: str, seconds: int, at: int) -> str:
    """Where what is usual stands: of one principal, for hours or days, in one month."""
    return f"watch:usual:{seconds}:{name}:{at // MONTH}"


def months_of(name: str, span: Span, at: int) -> list[str]:
    """The places of this month and of the last."""
    return [profile(name, span.seconds, at - back) for back in (0, MONTH)]


def added(months: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The samples of some months together."""
    counted: dict[str, float] = defaultdict(float)
    for month in months:
        for bucket, count in month.items():
            counted[bucket] += count
    return counted


def limit(
    span: Span,
    own: Mapping[str, float],
    everybodys: Mapping[str, float],
    days: Mapping[str, float],
) -> float:
    """Beyond how many is unusual: by the principal's own samples; while these are few, by those of
    the organization if they allow more. An hour may hold what its biggest days held: who reads for
    one hour in a week has a habit too.
    """
    allowed = max(span.least, span.times * quantile(own, P, 1), quantile(days, P, 3))
    if sum(own.values()) < span.samples:
        usual = quantile(everybodys, P, span.samples)
        allowed = max(allowed, span.times * usual if usual else span.cold)
    return min(allowed, span.most)


def reading(scene: Scene, at: float, objects: int, about: str) -> dict[str, Any]:
    """A page of so many invoices."""
    ids = [f"{scene.principal}-{about}-{n}" for n in range(objects)]
    return scene.line(at, object_ids=ids)
