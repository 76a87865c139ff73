"""What no operator does alone is signed by each who answers for it, with a key of their own: a name
is typed by anybody.
"""

import shlex
import time
from collections.abc import Collection, Iterable
from datetime import timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.core.management.base import CommandError

LONGEST = timedelta(minutes=15)  # a signature that is found later opens nothing


def refuse_unsigned(act: str, names: Iterable[str], approvals: Collection[str]) -> None:
    """Raises CommandError unless each of `names` has signed this very act, in this very house, a
    moment ago. Where SAAS_OPERATOR_KEYS is None names are believed.
    """
    if settings.SAAS_OPERATOR_KEYS is None:
        return
    text = f"{act} at {settings.SAAS_ORIGIN}"
    missing = [name for name in names if not any(is_signed(name, text, one) for one in approvals)]
    if missing:
        raise CommandError(
            f"Not signed by {' and '.join(missing)}. Let each run\n"
            f"  manage.py approve {shlex.quote(text)} --key FILE\n"
            "and add what it prints, as --approval, once for each."
        )


def is_signed(name: str, text: str, approval: str) -> bool:
    """Whether the operator of this name has approved this text, and not too long ago."""
    until, _, signature = approval.partition(".")
    try:
        public = Ed25519PublicKey.from_public_bytes(
            bytes.fromhex((settings.SAAS_OPERATOR_KEYS or {})[name])
        )
        public.verify(bytes.fromhex(signature), statement(text, until))
        return 0 < int(until) - time.time() <= LONGEST.total_seconds()
    except (KeyError, ValueError, InvalidSignature):
        return False


def approval_of(secret: str, text: str, minutes: int) -> str:
    """Until when, and the signature. Raises ValueError for what is no key."""
    until = str(int(time.time()) + 60 * minutes)
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))
    return f"{until}.{key.sign(statement(text, until)).hex()}"


def public_half(secret: str) -> str:
    """What SAAS_OPERATOR_KEYS holds of a key. Raises ValueError for what is no key."""
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))
    return key.public_key().public_bytes_raw().hex()


def statement(text: str, until: str) -> bytes:
    """What is signed; the first line keeps it from being anything else's signature."""
    return f"approval of an operator\n{until}\n{text}".encode()
