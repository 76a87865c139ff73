"""A nonce says that a proof was made now: who borrowed a key for an hour cannot make proofs for
tomorrow (RFC 9449 §11.2).
"""

import time
from collections.abc import Iterator
from typing import cast

from django.http import HttpRequest

from saas.crypto import digests, equal
from saas.edge.log import TracedRequest

SLOT = 150  # seconds; a nonce is good in its own slot and in the next
LENGTH = 32  # of hex: 128 bits


def current() -> str:
    """The nonce of this moment. Every process makes the same one, so none is stored."""
    return next(_all_of(_slot()))


def is_good(nonce: str) -> bool:
    """Whether it is ours, and not older than two slots."""
    return any(equal(nonce, ours) for slot in (_slot(), _slot() - 1) for ours in _all_of(slot))


def owe(request: HttpRequest) -> None:
    """Whatever this request is answered, the answer carries the nonce of this moment."""
    cast(TracedRequest, request).facts.owed["DPoP-Nonce"] = current()


def _slot() -> int:
    return int(time.time()) // SLOT


def _all_of(slot: int) -> Iterator[str]:
    for digested in digests(str(slot), purpose="dpop-nonce"):
        yield digested[:LENGTH]
