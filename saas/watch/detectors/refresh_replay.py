"""LOG-11: a refresh token, or a code, that comes back after it was used."""

from collections.abc import Iterator
from typing import Any

from saas.alerts import Severity
from saas.watch.detectors import Detector
from saas.watch.lines import Hit, Line, Scene, principal_of

REPLAYED = frozenset({"refresh.replayed", "code.replayed"})


class RefreshReplay(Detector):
    """Its family is dead already (AUTHN-04); its person may have lost more than this one."""

    kind = "tokens.replayed"
    means = "A refresh token or code of this person was used a second time: somebody has a copy."
    severity = Severity.HIGH
    window = 3600
    threshold = 1
    rung = "step-up"
    playbook = "replayed-token"

    def hits(self, line: Line) -> Iterator[Hit]:
        """Each replay that was no lost race, for its person."""
        subject = principal_of(line)
        if subject and not REPLAYED.isdisjoint(line["events"]):
            yield Hit(subject)

    def simulate(self, scene: Scene) -> list[dict[str, Any]]:
        """A thief tries it from elsewhere, three times."""
        return [
            scene.line(60 * n, operation_id="oauth.token", status=400, events=["refresh.replayed"])
            for n in range(3)
        ]

    def benign(self, scene: Scene) -> list[dict[str, Any]]:
        """Refreshes that lost a race with themselves, or came too late: refused, and no replay."""
        return [scene.stranger(60 * n, operation_id="oauth.token", status=400) for n in range(30)]
