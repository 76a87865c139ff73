"""LOG-05: who is refused again and again is trying doors."""

from collections.abc import Iterator
from typing import Any

from saas.watch.detectors import Detector
from saas.watch.lines import REFUSED, Hit, Line, Scene, network_subject, principal_of


class Refusals(Detector):
    """A spike of 401 and 403, of one principal or from one network."""

    kind = "refusals.spiked"
    means = "Far more calls than usual were refused (401 or 403): somebody may be trying doors."
    window = 300
    threshold = 51
    ratio, minimum = 5.0, 20
    playbook = "refusals"

    def hits(self, line: Line) -> Iterator[Hit]:
        """Each refusal, for the caller if they are known, else for their network."""
        if line["status"] in REFUSED:
            yield Hit(principal_of(line) or network_subject(line))

    def simulate(self, scene: Scene) -> list[dict[str, Any]]:
        """One key asks for what it may not, every four seconds."""
        return [
            scene.line(at=4 * n, status=403, decision="forbidden", operation_id="things.create")
            for n in range(60)
        ]

    def benign(self, scene: Scene) -> list[dict[str, Any]]:
        """A broken dashboard is refused every seven seconds, a whole day long."""
        return [scene.line(at=7 * n, status=403, decision="forbidden") for n in range(12_343)]
