"""One file for each thing that can look wrong. A file that stands here is found; it needs no other
line anywhere.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from django.conf import settings

from saas.alerts import Severity
from saas.watch.lines import Hit, Line, Scene
from saas.watch.tallies import Tallies


class Detector:
    """What looks wrong, from which count on, and a stream in which it happens.

    A subject rings when its hits in a window reach `threshold`; or, with a `ratio`, when they reach
    `minimum` and are more than `ratio` times what the last 24 hours let expect. SAAS_WATCH sets
    other figures: {"refusals.spiked": {"threshold": 100}}.
    """

    kind: str  # of the alert: `thing.what-happened`
    means: str  # a sentence for the alert, without personal data
    severity: Severity = Severity.MEDIUM
    window: int  # seconds
    threshold: int
    ratio: float = 0.0
    minimum: int = 0
    distinct: bool = False  # whether members are counted, and not hits
    rung: str = "notify"  # of saas.watch.actions: how far up the kind asks for
    tells_person: str = ""  # what a letter says to the person who called, if it was a person
    playbook: str  # docs/playbooks/<slug>.md

    def __init__(self) -> None:
        figures = getattr(settings, "SAAS_WATCH", {}).get(self.kind, {})
        for name, value in figures.items():
            setattr(self, name, value)

    def hits(self, line: Line) -> Iterable[Hit]:
        """For whom this line counts. Nothing slow, and nothing but the line."""
        raise NotImplementedError(f"{self.kind} counts batches: it has an own `batch()`.")

    def batch(self, lines: Sequence[Line], tallies: Tallies) -> Iterator[tuple[Line, Hit]]:
        """The hits of some lines, in their order. Who needs a memory that all processes share
        overrides this, and asks `tallies` once for each batch.
        """
        for line in lines:
            for hit in self.hits(line):
                yield line, hit

    def rest(self, now: float, tallies: Tallies) -> None:
        """After each look, with the time in seconds since 1970: for what is done now and then."""

    def simulate(self, scene: Scene) -> list[dict[str, Any]]:
        """Lines of an attack, in their order: exactly one alert of this kind."""
        raise NotImplementedError(f"{self.kind} owes an attack that it notices.")

    def benign(self, scene: Scene) -> list[dict[str, Any]]:
        """Lines that come close: no alert at all."""
        raise NotImplementedError(f"{self.kind} owes a stream that it lets pass.")

    def before(self, scene: Scene) -> list[dict[str, Any]]:
        """Lines that come before either, where a detector has to learn what is usual."""
        return []


def detectors() -> dict[str, Detector]:
    """Every detector, by the kind of its alert; each is new, and has seen nothing."""
    return {one.kind: one() for one in _classes()}


@cache
def _classes() -> list[type[Detector]]:
    found: list[type[Detector]] = []
    for module in iter_modules(__path__):
        held = vars(import_module(f"{__name__}.{module.name}")).values()
        found += [
            one
            for one in held
            if isinstance(one, type) and issubclass(one, Detector) and hasattr(one, "kind")
        ]
    return list(dict.fromkeys(found))
