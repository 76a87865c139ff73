"""The authorization server stands beside the toy's routes."""

from typing import Any

import pytest


@pytest.fixture(autouse=True)
def with_authorization_server(toy: None, settings: Any) -> None:
    """The toy's routes and those of the authorization server."""
    settings.ROOT_URLCONF = "tests.saas.authentication.routes"
