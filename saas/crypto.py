"""Three tools and no more: a keyed digest for secrets we only compare, an AEAD for what we must
read, randomness.
"""

import hashlib
import hmac
import secrets
from base64 import b64decode
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
NONCE_BYTES = 12  # NIST SP 800-38D §8.2
KEY_BYTES = 32


class Unreadable(Exception):
    """A ciphertext was altered, or moved to another row, column or tenant, or its key is gone."""


class Erased(Unreadable):
    """The key was destroyed on purpose, so that nobody can ever read what it sealed."""


def random_text(length: int, alphabet: str = ALPHABET) -> str:
    """`length` random characters, of base62 if not said otherwise: 43 of those carry 256 bits."""
    return "".join(secrets.choice(alphabet) for _ in range(length))


def random_key() -> bytes:
    """A fresh key for AES-256."""
    return secrets.token_bytes(KEY_BYTES)


@cache
def _key(name: str) -> bytes:
    return b64decode(getattr(settings, name), validate=True)


def digest(secret: str, *, purpose: str = "credential") -> str:
    """What we store of a secret: HMAC-SHA-256 under the pepper, in hex.

    Secrets here are random and long, so a slow password hash would only help those who want
    to exhaust us; the pepper makes a stolen table useless without the application's own key.
    """
    return hmac.new(
        _key("SAAS_PEPPER"), f"{purpose}\0{secret}".encode(), hashlib.sha256
    ).hexdigest()


def equal(one: str, other: str) -> bool:
    """Whether two secrets are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())


def seal(key: bytes, plaintext: bytes, context: bytes) -> bytes:
    """Nonce and AES-256-GCM ciphertext of `plaintext`, bound to `context`."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, context)


def unseal(key: bytes, sealed: bytes, context: bytes) -> bytes:
    """The plaintext, or Unreadable when key, bytes or context are not those of `seal`."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context)
    except (InvalidTag, ValueError) as fault:
        raise Unreadable("The value cannot be read in this place.") from fault
