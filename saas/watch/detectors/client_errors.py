"""LOG-05: a client that is wrong again and again is broken, or looks for what breaks us."""

from collections.abc import Iterator
from typing import Any

from saas.watch.detectors import Detector
from saas.watch.lines import REFUSED, Hit, Line, Scene, network_subject, principal_of


class ClientErrors(Detector):
    """A spike of 4xx other than refusals, of one principal or from one network."""

    kind = "client-errors.spiked"
    means = "Far more calls than usual were wrong (4xx): a client is broken, or somebody probes."
    window = 300
    threshold = 200
    ratio, minimum = 5.0, 60
    playbook = "client-errors"

    def hits(self, line: Line) -> Iterator[Hit]:
        """Each error that is the caller's. Refusals have their own detector."""
        if 400 <= line["status"] < 500 and line["status"] not in REFUSED:
            yield Hit(principal_of(line) or network_subject(line))

    def simulate(self, scene: Scene) -> list[dict[str, Any]]:
        """A list of words is tried as ids, one a second."""
        return [scene.line(at=n, status=404, operation_id="things.retrieve") for n in range(250)]

    def benign(self, scene: Scene) -> list[dict[str, Any]]:
        """An import with a wrong row now and then."""
        return [scene.line(at=3 * n, status=422 if n % 3 else 201) for n in range(3000)]
