"""Mallory: a member of another organization, who can be anything there."""

from typing import Any

import pytest

from tests.attacks.surface import Operation, Shot, aim
from tests.cast import Member, Tenant


@pytest.fixture
def mallory(globex: Tenant) -> Member:
    """The owner of Globex: all rights that there are, and none of them in Acme."""
    return globex.owner


@pytest.fixture
def shot(acme: Tenant) -> Any:
    """A right request of Acme for an operation; each path gets one row for the whole test."""
    rows: dict[str, str] = {}

    def shooting(operation: Operation) -> Shot:
        row = rows.get(operation.path)
        made = aim(operation, acme, row)
        rows.setdefault(operation.path, made.path.split("/")[1] if "/" in made.path else "")
        return made

    return shooting
