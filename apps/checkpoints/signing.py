"""A key of its own signs checkpoints (Ed25519, RFC 8032); its public half is everybody's."""

from base64 import b64decode, b64encode, urlsafe_b64encode
from functools import cache
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings


class NoKey(Exception):
    """No key is configured that could sign a checkpoint."""


def sign(text: str) -> str:
    """The signature in base64. Raises NoKey."""
    return b64encode(_secret().sign(text.encode())).decode()


def signer() -> str:
    """The id of the key that signs. Raises NoKey."""
    return key_id(_secret().public_key())


def is_signed(text: str, key: str, signature: str) -> bool:
    """Whether one of the published keys signed this. A key that came with a checkpoint proves
    nothing: a forger brings their own.
    """
    try:
        public_keys()[key].verify(b64decode(signature, validate=True), text.encode())
    except (KeyError, ValueError, InvalidSignature):
        return False
    return True


def public_keys() -> dict[str, Ed25519PublicKey]:
    """Every key whose signatures count, by its id: those that the configuration names. Where it
    names none, as in development, the one that signs.
    """
    return _read(tuple(settings.SAAS_CHECKPOINT_PUBLIC_KEYS), settings.SAAS_CHECKPOINT_KEY)


def key_set() -> dict[str, list[dict[str, str]]]:
    """The public keys as RFC 8037 writes them."""
    return {
        "keys": [
            {"kty": "OKP", "crv": "Ed25519", "x": _x(key), "kid": id, "use": "sig", "alg": "EdDSA"}
            for id, key in public_keys().items()
        ]
    }


def key_id(key: Ed25519PublicKey) -> str:
    """Its thumbprint (RFC 7638)."""
    text = f'{{"crv":"Ed25519","kty":"OKP","x":"{_x(key)}"}}'
    return _url_safe(sha256(text.encode()).digest())


def public_half(secret: str) -> str:
    """Of a key as it stands in the settings, as it stands there too."""
    key = Ed25519PrivateKey.from_private_bytes(b64decode(secret, validate=True))
    return b64encode(key.public_key().public_bytes_raw()).decode()


def _x(key: Ed25519PublicKey) -> str:
    return _url_safe(key.public_bytes_raw())


def _url_safe(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _secret() -> Ed25519PrivateKey:
    try:
        return Ed25519PrivateKey.from_private_bytes(
            b64decode(settings.SAAS_CHECKPOINT_KEY, validate=True)
        )
    except ValueError:
        raise NoKey("SAAS_CHECKPOINT_KEY is no key: 32 bytes in base64.") from None


@cache
def _read(published: tuple[str, ...], secret: str) -> dict[str, Ed25519PublicKey]:
    keys = [
        Ed25519PublicKey.from_public_bytes(b64decode(text, validate=True))
        for text in published or ([public_half(secret)] if secret else [])
    ]
    return {key_id(key): key for key in keys}
