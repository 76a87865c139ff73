"""Credentials that were proved a moment ago, by a digest that only this process can make: they may
pass when their network is refused for what others do.
"""

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

from django.http import HttpRequest

from saas.context import Principal
from saas.throttling.risk import conf

UNPROVED = 30  # passes in a row that ended in no proof: more than a principal has under way
_KEY = secrets.token_bytes(32)


@dataclass(slots=True)
class Known:
    """A credential, whose it is, and until when that counts."""

    digest: bytes
    principal: str
    until: float
    passes: int = 0


class KnownCredentials:
    """Those that were proved last; as many as a process remembers principals."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_id: OrderedDict[UUID, Known] = OrderedDict()
        self._by_digest: dict[bytes, Known] = {}

    def remember(self, request: HttpRequest, principal: Principal) -> None:
        """It was proved just now."""
        now = time.monotonic()
        known = self._by_id.get(principal.credential_id)
        if known and known.until - now > conf.RISK.known / 2:
            known.passes = 0
            return
        with self._lock:
            if before := self._by_id.pop(principal.credential_id, None):
                self._by_digest.pop(before.digest, None)
            digest = _digest(request)
            known = Known(digest, str(principal.id), now + conf.RISK.known)
            self._by_id[principal.credential_id] = self._by_digest[digest] = known
            if len(self._by_id) > conf.RISK.most:
                _, oldest = self._by_id.popitem(last=False)
                self._by_digest.pop(oldest.digest, None)

    def principal_of(self, request: HttpRequest) -> str | None:
        """Whose it is, if it was proved lately. Who shows what has ended since is soon unknown: a
        pass that ends in no proof is a look-up that the refusal should have spared.
        """
        known = self._by_digest.get(_digest(request))
        if known is None or known.until <= time.monotonic() or known.passes >= UNPROVED:
            return None
        known.passes += 1
        return known.principal


def _digest(request: HttpRequest) -> bytes:
    shown = request.META.get("HTTP_X_API_KEY") or request.META.get("HTTP_AUTHORIZATION", "")
    return hashlib.blake2b(shown.encode(errors="replace"), key=_KEY, digest_size=16).digest()
