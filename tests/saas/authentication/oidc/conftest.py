"""OpenID Connect beside the toy, with signing keys that live as long as a test."""

import random
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

import pytest
import time_machine

from tests.saas.authentication.oidc.browser import Person


@pytest.fixture(autouse=True)
def with_authorization_server(toy: None, settings: Any) -> None:
    """The routes."""
    settings.ROOT_URLCONF = "tests.saas.authentication.oidc.routes"


@pytest.fixture(autouse=True)
def key_file(settings: Any, tmp_path: Path) -> Path:
    """Where the keys stand, sealed."""
    path = tmp_path / "oidc-keys"
    settings.SAAS_OIDC_KEYS_FILE = str(path)
    return path


@pytest.fixture
def clerk(acme: Any) -> Person:
    """Acme's clerk, signed in and at an app that signs people in."""
    return Person(acme.clerk)


@pytest.fixture
def anywhere() -> str:
    """A network that no other test has tried from: the counters outlive a test."""
    return str(IPv6Address(random.getrandbits(128)))


@pytest.fixture
def travel() -> Iterator[Any]:
    """Go on in time."""
    with ExitStack() as trips:

        def go(by: timedelta) -> None:
            trips.enter_context(time_machine.travel(datetime.now(UTC) + by, tick=True))

        yield go
