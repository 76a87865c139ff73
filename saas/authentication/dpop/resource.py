"""At the API: a bound token goes with a proof of its key, under its own scheme."""

from typing import Any

from django.http import HttpRequest

from saas.authentication.credentials import Scheme, unauthorized
from saas.authentication.dpop.judgement import REPLAYED, OtherKey, Repeated, WantsNonce, judged
from saas.authentication.dpop.proofs import ALGORITHMS, BadProof
from saas.context import Principal
from saas.edge.noticing import noticed
from saas.errors import Problem

NAME = "dpop"
BOUND_TO = "dpop__jkt"  # the column that the look-up of a token brings along


def owns(token: Any) -> bool:
    """Whether a token that was looked up is bound to a key."""
    return getattr(token, BOUND_TO) is not None


def prove(request: HttpRequest, secret: str, principal: Principal) -> None:
    """Raises 401 unless the request carries a proof of the token's own key (RFC 9449 §7.1)."""
    try:
        judged(request, token=secret, jkt=getattr(principal.credential, BOUND_TO))
    except Repeated as bad:
        noticed(request, REPLAYED, org=principal.tenant_id, credential=principal.credential_id)
        raise refused(str(bad), "invalid_dpop_proof") from None
    except BadProof as bad:
        raise refused(str(bad), "invalid_dpop_proof") from None
    except OtherKey:
        raise refused("The token belongs to another key.", "invalid_token") from None
    except WantsNonce:
        raise refused("Use the nonce of DPoP-Nonce.", "use_dpop_nonce") from None


def refused(detail: str, error: str) -> Problem:
    """401 whose challenge and code both name the error."""
    code = error.replace("_", "-")
    return unauthorized(detail, error=error, scheme=NAME, code=code)


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
