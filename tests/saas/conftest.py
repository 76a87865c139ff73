"""The kit is tested on notes: the routes and roles of `tests/toy` stand in front for each test."""

import json
import logging
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


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """The lines of the access log that the test caused, parsed."""
    found: list[dict[str, Any]] = []

    class Reader(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            text = record.getMessage()
            assert "\n" not in text
            found.append(json.loads(text))

    reader = Reader()
    logging.getLogger("saas.access").addHandler(reader)
    yield found
    logging.getLogger("saas.access").removeHandler(reader)
