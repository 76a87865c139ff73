"""What the session proved about the person, kept with the grant: an ID token repeats it and never
makes it up.
"""

import json
from typing import Any

from allauth.account.authentication import get_authentication_records
from django.http import HttpRequest

from saas.authentication.oidc.claims import OPENID
from saas.authentication.oidc.prompts import SIGNED_IN_FOR
from saas.authentication.pages.middleware import SIGNED_IN_AT

# RFC 8176, for what allauth notes of each factor.
REFERENCES = {
    "password": "pwd",
    "totp": "otp",
    "recovery_codes": "otp",
    "webauthn": "pop",
}
ONE_FACTOR, TWO_FACTORS = "aal1", "aal2"


def keep_proof(grant: Any, request: HttpRequest, **_: Any) -> None:
    """Write nonce and proof to the grant, in the transaction that makes it."""
    request.session.pop(SIGNED_IN_FOR, None)
    if OPENID in grant.scope.split():
        grant.nonce = request.GET.get("nonce", "")
        grant.claims = json.dumps(proof_of(request))
        grant.save(update_fields=["nonce", "claims"])


def proof_of(request: HttpRequest) -> dict[str, Any]:
    """When the person signed in, and with what (OIDC Core §2)."""
    proof: dict[str, Any] = {"auth_time": int(request.session[SIGNED_IN_AT])}
    records = get_authentication_records(request, request.user)
    shown = [REFERENCES.get(record.get("type") or record["method"]) for record in records]
    factors = sorted({factor for factor in shown if factor})
    if factors:
        proof["amr"] = [*factors, "mfa"] if len(factors) > 1 else factors
        proof["acr"] = TWO_FACTORS if len(factors) > 1 else ONE_FACTOR
    return proof
