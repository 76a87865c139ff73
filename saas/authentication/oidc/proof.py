"""What the session proved about the person, kept with the grant: an ID token repeats it and never
makes it up.
"""

import json
from typing import Any

from django.http import HttpRequest

from saas.authentication.oidc.claims import OPENID
from saas.authentication.pages.proof import proof_of


def keep_proof(grant: Any, request: HttpRequest, **_: Any) -> None:
    """Write nonce and proof to the grant, in the transaction that makes it."""
    if OPENID in grant.scope.split():
        grant.nonce = request.GET.get("nonce", "")
        grant.claims = json.dumps(claims_of_proof(request))
        grant.save(update_fields=["nonce", "claims"])


def claims_of_proof(request: HttpRequest) -> dict[str, Any]:
    """When the person signed in, and with what (OIDC Core §2)."""
    proof = proof_of(request)
    claims: dict[str, Any] = {"auth_time": proof.auth_time}
    if proof.amr:
        claims["amr"] = [*proof.amr, *(["mfa"] if len(proof.amr) > 1 else [])]
        claims["acr"] = proof.acr
    return claims
