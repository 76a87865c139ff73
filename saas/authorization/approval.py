"""Some acts wait until a second person agrees. Services say which could; who keeps what waits joins
here, and where nobody has joined nothing waits.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django.db import models

from saas.context import Actor


class Act(NamedTuple):
    """What somebody is about to do.

    kind     `thing.act`
    row      what it is done to, if that is there yet
    granted  the rights that it gives or uses: nobody agrees to more than they hold
    wanted   what is shown to who decides, as JSON
    kept     what else it takes to do it, as JSON, and nobody sees
    once     what the answer to who asks holds, and nothing keeps
    """

    kind: str
    row: models.Model | None
    granted: frozenset[str]
    wanted: Mapping[str, Any]
    kept: Mapping[str, Any] = {}
    once: Mapping[str, str] = {}


class Waiting(Exception):
    """The act has not happened: `row` keeps it until somebody decides."""

    def __init__(self, row: Any, once: Mapping[str, str]) -> None:
        super().__init__(str(row))
        self.row, self.once = row, once


class Keeper(NamedTuple):
    """Who keeps what waits.

    consider  keeps the act and raises Waiting, or lets it pass
    rows      what was kept, in the bound tenant
    output    how a row of it is shown
    path      where it is found, below the version
    """

    consider: Callable[[Actor, Act], None]
    rows: Callable[[], Any]
    output: Any
    path: str


KEEPERS: list[Keeper] = []  # at most one; a module joins in AppConfig.ready()


def agreed(actor: Actor, act: Act) -> None:
    """Let the act pass where others have agreed, or need not. Raises Waiting, which the spine
    answers with 202 and commits: so ask before anything is written.
    """
    if actor.approval is None:
        for keeper in KEEPERS:
            keeper.consider(actor, act)
