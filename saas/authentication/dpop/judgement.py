"""Whether the proof of a request is good here, now and for the first time (RFC 9449 §4.3)."""

import time

from django.conf import settings
from django.http import HttpRequest

from saas import counters
from saas.authentication.dpop import nonces
from saas.authentication.dpop.proofs import BadProof, Proof, hashed, read
from saas.authentication.dpop.targets import normal, target_of
from saas.counters import StoreUnavailable, Window
from saas.crypto import equal
from saas.errors import Problem

WINDOW = 60  # seconds that a client's clock may be before or behind ours (RFC 9449 §11.1)
REPLAYED = "proof.replayed"  # in the access log
MEMORY = 3 * WINDOW  # a proof is good for two of them; the third is for clocks of our own


class WantsNonce(Exception):
    """All is well but the nonce: the answer carries one, and the client tries again."""


class Repeated(BadProof):
    """Somebody has sent this proof before."""


class OtherKey(Exception):
    """The proof is good, and the token belongs to another key."""


def judged(request: HttpRequest, *, token: str | None = None, jkt: str | None = None) -> Proof:
    """The proof of this request: checks 1 to 12 of RFC 9449 §4.3, then that nobody sent it before.

    At a resource `token` is what it must name and `jkt` the key that the token belongs to. Raises
    BadProof, OtherKey, WantsNonce, and 503 when nobody can say whether it was sent before.
    """
    proof = read(request.META.get("HTTP_DPOP"))
    if proof.htm != request.method:
        raise BadProof("htm is not the method of this request.")
    if not is_for(proof.htu, request):
        raise BadProof("htu is not the URI of this request.")
    now = time.time()
    if not now - WINDOW <= proof.iat <= now + WINDOW:
        raise BadProof(f"iat is more than {WINDOW} seconds from our time.")
    if token is not None and not equal(proof.ath or "", hashed(token)):
        raise BadProof("ath is not the hash of this token.")
    if jkt is not None and not equal(proof.jkt, jkt):
        raise OtherKey
    if proof.nonce != nonces.current():  # a good one too, before it is too old (RFC 9449 §8.2)
        nonces.owe(request)
    if proof.nonce is None or not nonces.is_good(proof.nonce):
        raise WantsNonce
    refuse_repeated(proof)
    return proof


def is_for(htu: str, request: HttpRequest) -> bool:
    """Whether `htu` names the place where the request arrived, however it is written."""
    try:
        return normal(htu) == target_of(request)
    except ValueError:
        return False


def refuse_repeated(proof: Proof) -> None:
    """A proof that was overheard is worth nothing the second time. A `jti` is a window with room
    for one; digests make each as short as the next.

    It is asked last, so only the holder of a living credential takes any room here, and no more
    than the limits let them use: the second window is that bound. It shuts with 503, as when the
    store does not answer, because a proof that is not remembered could come back.
    """
    holder = hashed(f"{proof.jkt}\0{proof.ath}")
    burst = settings.RATES["burst"]
    once = Window(f"dpop:{hashed(f'{holder}\0{proof.jti}')}", 1, MEMORY)
    most = Window(f"dpop:{holder}", burst.requests * MEMORY // burst.seconds, MEMORY)
    try:
        first, room = counters.shared().take([once, most])
    except StoreUnavailable:
        raise Problem("not-ready", "Proofs cannot be remembered at the moment.") from None
    if first.wait > 0:
        raise Repeated("This proof was used before.")
    if room.wait > 0:
        raise Problem("not-ready", "Too many proofs at once.")
