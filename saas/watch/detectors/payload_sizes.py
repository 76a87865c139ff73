"""LOG-09: a body, or an answer, of a size that this operation never has."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from saas.watch.detectors import Detector
from saas.watch.lines import Hit, Line, Scene, network_subject, principal_of
from saas.watch.sketches import add_to, quantile
from saas.watch.tallies import Tallies

SIZES = ("bytes_in", "bytes_out")
KEPT = 7 * 86_400
SAMPLES = 50
TIMES = 10
LEAST = 4096  # bytes: below that nothing is carried away, however small the rest is


class PayloadSizes(Detector):
    """More than ten times the 99th percentile of the operation, once fifty are known."""

    kind = "payload.unusual"
    means = "A request or an answer was more than ten times as large as that operation's ever are."
    window = 3600
    threshold = 1
    playbook = "payload-sizes"

    def batch(self, lines: Sequence[Line], tallies: Tallies) -> Iterator[tuple[Line, Hit]]:
        """Judge by what was known before this batch's own outliers: an attack must not become its
        own measure, so what rings is not learned from.
        """
        measured = [line for line in lines if line["operation_id"] and line["status"] < 400]
        names = {sketch(line, size) for line in measured for size in SIZES}
        known = tallies.bump({name: {} for name in names}, KEPT)
        learned: dict[str, dict[str, float]] = defaultdict(dict)
        for line in measured:
            for size in SIZES:
                name = sketch(line, size)
                limit = most(known[name])
                if limit and line[size] > max(limit, LEAST):
                    yield line, Hit(principal_of(line) or network_subject(line))
                else:
                    add_to(learned[name], line[size])
                    add_to(known[name], line[size])
        tallies.bump(learned, KEPT)

    def before(self, scene: Scene) -> list[dict[str, Any]]:
        """A hundred ordinary ones, of an operation of its own for each scene."""
        return [
            scene.line(at=n, operation_id=f"{scene.principal[-12:]}.list", bytes_out=1000 + n * 10)
            for n in range(100)
        ]

    def simulate(self, scene: Scene) -> list[dict[str, Any]]:
        """Somebody found a way to have everything at once."""
        own = f"{scene.principal[-12:]}.list"
        return [scene.line(at=101, operation_id=own, bytes_out=90_000)]

    def benign(self, scene: Scene) -> list[dict[str, Any]]:
        """A full page: nine times the usual."""
        own = f"{scene.principal[-12:]}.list"
        return [scene.line(at=101 + n, operation_id=own, bytes_out=9 * 1990) for n in range(50)]


def sketch(line: Line, size: str) -> str:
    """Where the sizes of an operation are counted."""
    return f"watch:sizes:{line['operation_id']}:{size}"


def most(counted: Mapping[str, float]) -> float:
    """Ten times the 99th percentile, or 0 while too few are known."""
    return TIMES * quantile(counted, 0.99, SAMPLES)
