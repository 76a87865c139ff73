"""At the API: a bound token goes with a proof of its key, under its own scheme."""

from typing import Any, cast

from django.http import HttpRequest

from saas.authentication.credentials import Scheme, unauthorized
from saas.authentication.dpop import nonces
from saas.authentication.dpop.judgement import OtherKey, WantsNonce, judged
from saas.authentication.dpop.proofs import ALGORITHMS, BadProof
from saas.context import Principal
from saas.edge.log import TracedRequest
from saas.errors import Problem

NAME = "dpop"


def owns(token: Any) -> bool:
    """Whether a token that was looked up is bound to a key."""
    return token.dpop_jkt is not None


def prove(request: HttpRequest, secret: str, principal: Principal) -> None:
    """Raises 401 unless the request carries a proof of the token's own key (RFC 9449 §7.1)."""
    try:
        proof = judged(request, token=secret, jkt=principal.credential.dpop_jkt)
    except BadProof as bad:
        raise refused(str(bad), "invalid_dpop_proof") from None
    except OtherKey:
        raise refused("The token belongs to another key.", "invalid_token") from None
    except WantsNonce:
        owe_nonce(request)
        raise refused("Use the nonce of DPoP-Nonce.", "use_dpop_nonce") from None
    if proof.nonce != nonces.current():  # before it is too old (RFC 9449 §8.2)
        owe_nonce(request)


def refused(detail: str, error: str) -> Problem:
    """401 whose challenge and code both name the error."""
    code = error.replace("_", "-")
    return unauthorized(detail, error=error, scheme=NAME, code=code)


def owe_nonce(request: HttpRequest) -> None:
    """Whatever is answered carries the nonce of this moment."""
    cast(TracedRequest, request).facts.owed["DPoP-Nonce"] = nonces.current()


SCHEME = Scheme(
    challenge=f'DPoP algs="{" ".join(ALGORITHMS)}"',
    owns=owns,
    prove=prove,
    document={
        "type": "http",
        "scheme": "dpop",
        "description": "An access token that is bound to a key, beside a proof of that key in the "
        "header `DPoP` (RFC 9449). The first call is answered 401 with a nonce.",
    },
)
