"""Three tools and no more: a keyed digest for secrets we only compare, an AEAD for what we must
read, randomness.
"""

import hashlib
import hmac
import secrets
from base64 import b64decode
from collections.abc import Iterator
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
NONCE_BYTES = 12  # NIST SP 800-38D §8.2
KEY_BYTES = 32
MARK = 4  # characters


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
def _pepper(text: str) -> tuple[bytes, str]:
    """A pepper, and the mark by which its digests are counted."""
    pepper = b64decode(text, validate=True)
    return pepper, hmac.new(pepper, b"mark", hashlib.sha256).hexdigest()[:MARK]


def digest(secret: str, *, purpose: str = "credential") -> str:
    """What we store of a secret: HMAC-SHA-256 under the pepper, in hex; its last characters are the
    mark of the pepper, and 240 bits remain.

    Secrets here are random and long, so a slow password hash would only help those who want
    to exhaust us; the pepper makes a stolen table useless without the application's own key.
    """
    return _digest(settings.SAAS_PEPPER, secret, purpose)


def digests(secret: str, *, purpose: str = "credential") -> Iterator[str]:
    """The digest, and while the pepper changes (SAAS_PEPPER_PREVIOUS) the one of before: who looks
    for the first one finds it at the first try. Then the first again: another request may have
    moved it over between the two looks.
    """
    yield (current := digest(secret, purpose=purpose))
    if settings.SAAS_PEPPER_PREVIOUS:
        yield _digest(settings.SAAS_PEPPER_PREVIOUS, secret, purpose)
        yield current


def is_digest_of(digested: str, secret: str, *, purpose: str) -> bool:
    """Whether this was stored of `secret`, also before the pepper changed."""
    return any(equal(digested, known) for known in digests(secret, purpose=purpose))


def hashed(text: str) -> str:
    """SHA-256 in hex, for what is random and long by itself and lives for minutes: it needs no
    pepper, so a pepper that changes neither ends it nor forgets that it was used.
    """
    return hashlib.sha256(text.encode()).hexdigest()


def mark(pepper: str) -> str:
    """What the digests under a pepper end with."""
    return _pepper(pepper)[1]


def _digest(under: str, secret: str, purpose: str) -> str:
    pepper, ending = _pepper(under)
    text = f"{purpose}\0{secret}".encode()
    return hmac.new(pepper, text, hashlib.sha256).hexdigest()[:-MARK] + ending


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
