"""An organization that wants every request signed."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.test import Client

from apps.organizations.models import SecurityPolicy
from saas.tenancy.binding import bind
from tests.apps.signatures.client import components, sign
from tests.cast import Member, Tenant, make_tenant


class P256:
    """A key on P-256 that signs as RFC 9421 §3.3.4 wants it: r and s, not DER."""

    def __init__(self) -> None:
        self.key = generate_private_key(SECP256R1())

    def sign(self, base: bytes) -> bytes:
        """r and s, 32 bytes each."""
        r, s = decode_dss_signature(self.key.sign(base, ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def public_key(self) -> Any:
        """The other half."""
        return self.key.public_key()


def pem(key: Any) -> str:
    """The public half as text."""
    public = key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@dataclass
class Signer:
    """A member who signs. What a test does not change is right."""

    member: Member
    key: Any
    key_id: str = "one"
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def request(
        self, method: str, path: str, body: Any = None, *, without: str = "", **changes: Any
    ) -> tuple[str, str, bytes, dict[str, str]]:
        """A signed request, ready to be sent or spoiled; `without` is left out of what is covered,
        and `headers` stand beside those that everybody sends.
        """
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body else b""
        headers = changes.pop("credential", {"x-api-key": self.member.secret})
        headers = headers | changes.pop("headers", {})
        if content:
            headers["content-type"] = "application/json"
        covered = components(method, f"{settings.SAAS_ORIGIN}/api/v1/{path}", headers, content)
        covered = {name: value for name, value in covered.items() if name != without}
        headers |= sign(covered, self.key, changes.pop("key_id", self.key_id), **changes)
        return method, f"/api/v1/{path}", content, headers

    def send(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> Any:
        """The answer, whatever was done to the request meanwhile."""
        headers = dict(headers)
        extra = {"content_type": headers.pop("content-type")} if "content-type" in headers else {}
        if not extra and content:
            extra = {"content_type": ""}
        return self.client.generic(method, path, content, headers=headers, secure=True, **extra)

    def call(self, method: str, path: str, body: Any = None, **changes: Any) -> Any:
        """Signed and sent."""
        return self.send(*self.request(method, path, body, **changes))


def demand_signatures(tenant: Tenant, **keys: tuple[str, Any]) -> None:
    """The organization registers keys, id=(algorithm, key), and wants every request signed."""
    listed = [
        {"id": id, "algorithm": algorithm, "public_key": pem(key)}
        for id, (algorithm, key) in keys.items()
    ]
    with bind(tenant.id):
        SecurityPolicy(switches={"signing_keys": listed, "require_signatures": True}).save()


def signing(tenant: Tenant) -> Signer:
    """The owner of an organization that wants signatures, with its first key."""
    one, two = Ed25519PrivateKey.generate(), P256()
    demand_signatures(tenant, one=("ed25519", one), two=("ecdsa-p256-sha256", two))
    signer = Signer(tenant.owner, one)
    signer.second = two  # type: ignore[attr-defined]  # the other registered key
    return signer


@pytest.fixture
def signer(db: None) -> Signer:
    """The owner of Initech."""
    return signing(make_tenant("Initech"))


@pytest.fixture
def initech_apart(committed: None) -> Signer:
    """The same, in a database of its own, for what happens at once."""
    return signing(make_tenant("Initech"))
