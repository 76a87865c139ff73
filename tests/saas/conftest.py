"""The kit is tested on notes: the routes and roles of `tests/toy` stand in front for each test."""

from collections.abc import Iterator
from typing import Any

import pytest

from saas import context


@pytest.fixture(autouse=True)
def toy(settings: Any) -> Iterator[None]:
    """The toy's routes and roles in place of the product's."""
    settings.ROOT_URLCONF = "tests.toy.urls"
    settings.SAAS_ROLES_PAGE = "tests.toy.roles"
    context.roles.cache_clear()
    yield
    context.roles.cache_clear()
