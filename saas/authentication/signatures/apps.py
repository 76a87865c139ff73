"""Signed requests as a Django app: two switches of an organization, and an organization of the demo
that has turned them on.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.apps import AppConfig


def sign_demo() -> tuple[dict[str, Any], dict[str, Any]]:
    """A policy with a new key for the demo, and what its printed JSON says of it."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    secret = Ed25519PrivateKey.generate()
    private = secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = secret.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    key = {"id": "demo", "algorithm": "ed25519"}
    policy = {"signing_keys": [{**key, "public_key": public.decode()}], "require_signatures": True}
    return policy, {"signing_keys": [{**key, "private_key": private}]}


class SignaturesConfig(AppConfig):
    """Join the switches."""

    name = "saas.authentication.signatures"
    demo_policies: Mapping[str, Callable[[], tuple[dict[str, Any], dict[str, Any]]]] = {
        "initech": sign_demo
    }

    def ready(self) -> None:
        """Before the first request, and before the documents are drawn."""
        from saas.authentication import demands
        from saas.authentication.signatures import keys
        from saas.authentication.signatures.verification import demand_signature
        from saas.errors import CATALOGUE, Kind

        CATALOGUE["signature-invalid"] = Kind(
            401,
            "The signature is missing or not valid",
            "This organization wants each request signed (RFC 9421). `detail` says what is wrong; "
            "sign again, with a new nonce.",
        )
        demands.join(
            demands.Switch("signing_keys", [], keys.SCHEMA, keys.judge),
            demands.on_or_off(
                "require_signatures",
                "Every call is signed by one of `signing_keys` (RFC 9421), this one included.",
                demand=demand_signature,
            ),
        )
