"""LOG-06: one network that suddenly asks far more than it used to."""

from collections.abc import Iterator
from typing import Any

from saas.watch.detectors import Detector
from saas.watch.lines import Hit, Line, Scene, network_subject


class OneNetwork(Detector):
    """A sudden increase of requests from one IPv4 address, or one /64 of IPv6."""

    kind = "network.surged"
    means = "One network suddenly sends far more requests than it used to."
    window = 60
    threshold = 1000
    ratio, minimum = 10.0, 200
    playbook = "network-surge"

    def hits(self, line: Line) -> Iterator[Hit]:
        """Every request, whatever became of it."""
        yield Hit(network_subject(line))

    def simulate(self, scene: Scene) -> list[dict[str, Any]]:
        """One customer's IPv6 addresses take turns."""
        return [
            scene.line(at=n / 25, ip=f"2001:db8:66:1::{n % 999 + 1:x}", status=429)
            for n in range(1200)
        ]

    def benign(self, scene: Scene) -> list[dict[str, Any]]:
        """A whole office behind one address, ten requests in each second of five minutes."""
        return [scene.line(at=n / 10) for n in range(3000)]
