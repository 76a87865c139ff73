"""LOG-11: a key that nobody used for longer than a month is used."""

from collections.abc import Iterator
from typing import Any

from saas.watch.detectors import Detector
from saas.watch.lines import Hit, Line, Scene, principal_of

AWAKE = "key.awake"


class DormantKey(Detector):
    """What nobody misses is what a thief uses: whoever keeps the key knows whether it was them."""

    kind = "key.awoke"
    means = "An API key was used that nobody had used for longer than a month."
    window = 86_400
    threshold = 1
    playbook = "dormant-key"

    def hits(self, line: Line) -> Iterator[Hit]:
        """The first use after the sleep."""
        subject = principal_of(line)
        if subject and AWAKE in line["events"]:
            yield Hit(subject)

    def simulate(self, scene: Scene) -> list[dict[str, Any]]:
        """It awakes, and reads."""
        return [scene.line(n, events=[] if n else [AWAKE]) for n in range(20)]

    def benign(self, scene: Scene) -> list[dict[str, Any]]:
        """A job that runs at night."""
        return [scene.line(n / 2) for n in range(100)]
