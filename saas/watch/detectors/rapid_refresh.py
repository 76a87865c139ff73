"""LOG-11: a family of tokens that is refreshed again and again."""

from collections.abc import Iterator
from typing import Any

from saas.watch.detectors import Detector
from saas.watch.lines import Hit, Line, Scene, family_of

REFRESHED = "token.refreshed"


class RapidRefresh(Detector):
    """Access tokens live for a quarter of an hour: who refreshes every minute collects them, or two
    parties share one family.
    """

    kind = "tokens.refreshed-rapidly"
    means = "One family of tokens was refreshed more than six times in ten minutes."
    window = 600
    threshold = 7
    rung = "step-up"
    playbook = "rapid-refresh"

    def hits(self, line: Line) -> Iterator[Hit]:
        """Each refresh that gave tokens, for its family."""
        if REFRESHED in line["events"]:
            yield Hit(family_of(line))

    def simulate(self, scene: Scene) -> list[dict[str, Any]]:
        """A loop that refreshes once in half a minute."""
        return [refreshed(scene, at=30 * n) for n in range(15)]

    def benign(self, scene: Scene) -> list[dict[str, Any]]:
        """A phone that comes and goes refreshes at each start, every two minutes at most."""
        return [refreshed(scene, at=125 * n) for n in range(400)]


def refreshed(scene: Scene, at: float, **changes: Any) -> dict[str, Any]:
    """The line of a refresh."""
    return scene.line(
        at, operation_id="oauth.token", method="POST", events=[REFRESHED], auth_method=None
    ) | (changes)
