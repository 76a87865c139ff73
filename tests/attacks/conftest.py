"""Mallory: a member of another organization, who can be anything there."""

from typing import Any

import pytest

from tests.attacks.surface import ID, Operation, Shot, aim
from tests.cast import Member, Tenant


@pytest.fixture
def mallory(globex: Tenant) -> Member:
    """The owner of Globex: all rights that there are, and none of them in Acme."""
    return globex.owner


@pytest.fixture
def shot(acme: Tenant) -> Any:
    """A right request of Acme for an operation; each path gets one row for the whole test."""
    rows: dict[str, Any] = {}

    def shooting(operation: Operation) -> Shot:
        made = aim(operation, acme, rows.get(operation.path))
        if ids := ID.findall(made.path):
            rows[operation.path] = tuple(ids)
        return made

    return shooting
