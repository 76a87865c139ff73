"""A nonce says that a proof was made now: who borrowed a key for an hour cannot make proofs for
tomorrow (RFC 9449 §11.2).
"""

import time
from typing import cast

from django.http import HttpRequest

from saas.crypto import digest, equal
from saas.edge.log import TracedRequest

SLOT = 150  # seconds; a nonce is good in its own slot and in the next
LENGTH = 32  # of hex: 128 bits


def current() -> str:
    """The nonce of this moment. Every process makes the same one, so none is stored."""
    return _of(_slot())


def is_good(nonce: str) -> bool:
    """Whether it is ours, and not older than two slots."""
    return equal(nonce, current()) or equal(nonce, _of(_slot() - 1))


def owe(request: HttpRequest) -> None:
    """Whatever this request is answered, the answer carries the nonce of this moment."""
    cast(TracedRequest, request).facts.owed["DPoP-Nonce"] = current()


def _slot() -> int:
    return int(time.time()) // SLOT


def _of(slot: int) -> str:
    return digest(str(slot), purpose="dpop-nonce")[:LENGTH]
