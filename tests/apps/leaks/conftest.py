"""Somebody who scans public places, with a key that is configured."""

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import Client

from saas.tenancy.binding import bind

PATH = "/security/disclose-token"
URL = "https://github.com/somebody/code/blob/main/.env"


def pem_of(key: Any) -> str:
    """The public half."""
    shown = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return str(shown.decode())


def leak(token: str, **more: Any) -> dict[str, Any]:
    """One leak as a scanner writes it."""
    return {"token": token, "type": "strongroom_key", "url": URL, "source": "content"} | more


def signed(key: Any, body: bytes) -> str:
    """The signature as GitHub sends it."""
    return b64encode(key.sign(body, ec.ECDSA(SHA256()))).decode()


def forget_tenant() -> None:
    """What commits leaves no tenant told to the database; within a test nothing commits."""
    with bind(uuid4()):
        pass


@pytest.fixture
def scanner_key(settings: Any) -> Any:
    """The private key of the reporter `scanner`."""
    key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    settings.SAAS_LEAK_REPORTERS = {
        "scanner": {"key-1": pem_of(key)},
        "another": {"key-2": pem_of(other)},
    }
    return key


@pytest.fixture
def report(db: None, scanner_key: Any) -> Callable[..., Any]:
    """Send a report; everything about it can be another."""

    def reporting(
        leaks: Any,
        *,
        key: Any = scanner_key,
        key_id: str = "key-1",
        signature: str | None = None,
        address: str = "192.0.2.30",
        content_type: str = "application/json",
    ) -> Any:
        body = leaks if isinstance(leaks, bytes) else json.dumps(leaks).encode()
        headers = {
            "Github-Public-Key-Identifier": key_id,
            "Github-Public-Key-Signature": signed(key, body) if signature is None else signature,
        }
        client = Client(raise_request_exception=False, REMOTE_ADDR=address)
        forget_tenant()
        return client.generic("POST", PATH, body, content_type, secure=True, headers=headers)

    return reporting
