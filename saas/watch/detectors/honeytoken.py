"""LOG-07: somebody who shows a honeytoken has read what was not theirs."""

from collections.abc import Iterator
from typing import Any

from saas.alerts import Severity
from saas.watch.detectors import Detector
from saas.watch.lines import Hit, Line, Scene, network_subject

USED = "honeytoken.used"


class Honeytoken(Detector):
    """The organization hears of its honeytoken from AUTHN-19; here it and the house hear of the
    network, which may do more than that.
    """

    kind = "honeytoken.network"
    means = "This network showed a honeytoken: whoever is there looks for credentials."
    severity = Severity.HIGH
    window = 3600
    threshold = 1
    playbook = "honeytoken-used"

    def hits(self, line: Line) -> Iterator[Hit]:
        """Each use, for the network that it came from."""
        if USED in line["events"]:
            yield Hit(network_subject(line))

    def simulate(self, scene: Scene) -> list[dict[str, Any]]:
        """It is tried on one route after another."""
        return [
            scene.stranger(n, org=scene.org, credential_id=scene.principal, events=[USED])
            for n in range(9)
        ]

    def benign(self, scene: Scene) -> list[dict[str, Any]]:
        """Keys that have ended, in programs that nobody looked at."""
        return [scene.stranger(400 * n, decision="invalid-token") for n in range(200)]
