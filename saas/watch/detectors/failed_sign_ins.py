"""LOG-08: many sign-ins that fail, wherever they come from."""

from collections.abc import Iterator
from typing import Any

from saas.alerts import Severity
from saas.watch.detectors import Detector
from saas.watch.lines import Hit, Line, Scene, network_subject

FAILED = "sign-in.failed"


class FailedSignIns(Detector):
    """What the lock of a single network (RATE-09) does not see: failures that keep below it."""

    kind = "sign-ins.failed"
    means = "Many sign-ins failed from one network: somebody may be guessing passwords."
    severity = Severity.HIGH
    window = 3600
    threshold = 30
    playbook = "failed-sign-ins"

    def hits(self, line: Line) -> Iterator[Hit]:
        """Each failure that the sign-in room noted."""
        if FAILED in line["events"]:
            yield Hit(network_subject(line))

    def simulate(self, scene: Scene) -> list[dict[str, Any]]:
        """One guess each ninety seconds: too few for the lock."""
        return [
            scene.stranger(at=90 * n, status=200, route="accounts/login/", events=[FAILED])
            for n in range(40)
        ]

    def benign(self, scene: Scene) -> list[dict[str, Any]]:
        """An office of people who mistype now and then."""
        return [
            scene.stranger(at=150 * n, status=200, route="accounts/login/", events=[FAILED])
            for n in range(500)
        ]
