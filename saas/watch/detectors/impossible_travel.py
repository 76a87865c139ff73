"""LOG-10: one person in two places, with no time to go from one to the other."""

from collections.abc import Iterator, Sequence
from typing import Any

from saas.alerts import Severity
from saas.watch.detectors import Detector
from saas.watch.detectors.new_country import AWAY, HOME, TRAIN
from saas.watch.lines import Hit, Line, Scene, credential_of, principal_of, seconds_of
from saas.watch.places import Place, kilometres, place_of
from saas.watch.tallies import Tallies

FASTEST = 900.0  # kilometres an hour: an airliner
NEAR = 300.0  # kilometres: tables are that wrong
KEPT = 86_400


class ImpossibleTravel(Detector):
    """Calls with one family of a person's tokens, faster than an airliner. Each family by itself: a
    phone here and an application's server elsewhere are two. A key may be in two data centres.
    """

    kind = "travel.impossible"
    means = "One person's tokens were used in two places with no time to travel between them."
    severity = Severity.HIGH
    window = 3600
    threshold = 1
    rung = "step-up"
    playbook = "impossible-travel"

    def batch(self, lines: Sequence[Line], tallies: Tallies) -> Iterator[tuple[Line, Hit]]:
        """Compare each call with the one before. The place that rings is not remembered, or the
        owner would ring next.
        """
        found = [
            (line, place, f"watch:place:{line['org']}:{line['credential_id']}")
            for line in lines
            if line["auth_method"] == "user-token" and line["status"] < 400 and credential_of(line)
            for place in [place_of(line["ip"])]
            if place
        ]
        keys = sorted({key for *_, key in found})
        last = dict(zip(keys, tallies.recall(keys), strict=True))
        for line, place, key in found:
            at = seconds_of(line["ts"])
            if is_too_fast(last[key], place, at):
                subject = principal_of(line)
                if subject:
                    yield line, Hit(subject)
                continue
            last[key] = f"{at:.0f} {place.country} {place.latitude} {place.longitude}"
        tallies.remember({key: text for key, text in last.items() if text}, KEPT)

    def before(self, scene: Scene) -> list[dict[str, Any]]:
        """A morning at home."""
        return [walking(scene, 60 * n - 3600, HOME) for n in range(30)]

    def simulate(self, scene: Scene) -> list[dict[str, Any]]:
        """An hour later on the other side of the earth, while its person goes on at home."""
        return [walking(scene, 60 * n, AWAY if n % 2 else HOME) for n in range(20)]

    def benign(self, scene: Scene) -> list[dict[str, Any]]:
        """Five hundred kilometres by a fast train, in four hours there and four back."""
        there = [HOME, TRAIN, HOME, TRAIN]
        return [
            walking(scene, 14_400 * n + 60 * m, ip) for n, ip in enumerate(there) for m in range(20)
        ]


def is_too_fast(before: str | None, place: Place, at: float) -> bool:
    """Whether nobody can have come here since then."""
    if not before:
        return False
    then, country, latitude, longitude = before.split()
    if "None" in (latitude, longitude):
        return False
    way = kilometres(Place(country, float(latitude), float(longitude)), place)
    hours = abs(at - float(then)) / 3600
    return way > NEAR and way > FASTEST * hours


def walking(scene: Scene, at: float, ip: str) -> dict[str, Any]:
    """A call with a person's token."""
    return scene.line(at, ip=ip, auth_method="user-token")
