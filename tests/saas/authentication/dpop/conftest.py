"""A key, and a token that is bound to it."""

import pytest

from tests.saas.authentication.dpop.prover import READ, WRITE, Prover


@pytest.fixture
def prover():
    """A client with a key of its own."""
    return Prover()


@pytest.fixture
def token(acme, prover):
    """An access token of Acme's service for this key; `prover` knows a nonce by now."""
    return prover.service_token(acme, READ, WRITE)
