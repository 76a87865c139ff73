"""The demand of `require_signatures`: every request carries a signature over all that it means."""

import time
from typing import Any, NamedTuple

from django.http import HttpRequest

from saas import counters
from saas.authentication.credentials import unauthorized
from saas.authentication.demands import Policy
from saas.authentication.signatures import keys
from saas.authentication.signatures.fields import (
    InnerList,
    Invalid,
    Value,
    byte_sequence,
    dictionary,
    inner_list,
)
from saas.authentication.signatures.message import (
    ALWAYS,
    check_digest,
    component,
    field,
    must_cover,
    signature_base,
)
from saas.context import Principal
from saas.counters import StoreUnavailable, Window
from saas.crypto import hashed
from saas.edge.noticing import noticed
from saas.errors import Problem

TAG = "invoice-api"
REPLAYED = "signature.replayed"  # in the access log
SKEW = 300  # seconds by which the clocks may differ
NONCE = range(16, 129)  # characters
REMEMBERED = 2 * SKEW + 60  # a signature from the future is good for twice the skew
MEANT = {"created", "expires", "nonce", "keyid", "tag", "alg"}
ACCEPTED = (  # RFC 9421 §5: what the next request should carry
    f'sig=({" ".join(f'"{name}"' for name in ALWAYS)});created;nonce;keyid;tag="{TAG}"'
)


class Repeated(Invalid):
    """Somebody has sent this signature before."""


class Claim(NamedTuple):
    """One signature as it was sent."""

    covered: InnerList
    signature: bytes

    def says(self, name: str) -> Value:
        """The value of a parameter, or None."""
        return self.covered.parameters.get(name)


def demand_signature(request: HttpRequest, principal: Principal, policy: Policy) -> None:
    """Raise 401 `signature-invalid` unless a registered key has signed this very request, within
    five minutes and for the first time; 503 when nobody can say whether it is the first time.
    """
    if not policy["require_signatures"]:
        return
    if not policy["signing_keys"]:
        raise Problem("conflict", "Register a signing key before signatures are required.")
    try:
        claim = read_claim(request)
        check_parameters(claim)
        key = key_of(claim, policy["signing_keys"])
        check_coverage(claim, request)
        base = signature_base(claim.covered, lambda name: component(request, name))
        if not keys.verifies(key, claim.signature, base):
            raise Invalid("The signature is not that of this request.")
        if (content_digest := field(request, "content-digest")) is not None:
            check_digest(content_digest, request.body)
        spend_nonce(request, key, str(claim.says("nonce")))
    except Invalid as fault:
        if isinstance(fault, Repeated):
            noticed(request, REPLAYED, org=principal.tenant_id, credential=principal.credential_id)
        challenge = unauthorized("").headers | {"Accept-Signature": ACCEPTED}
        raise Problem("signature-invalid", str(fault), headers=challenge) from None


def read_claim(request: HttpRequest) -> Claim:
    """The one signature that is meant for us. A label carries no meaning; the tag does."""
    inputs = dictionary("Signature-Input", field(request, "signature-input"), inner_list)
    signatures = dictionary("Signature", field(request, "signature"), byte_sequence)
    ours = [label for label, one in inputs.items() if one.parameters.get("tag") == TAG]
    if len(ours) != 1:  # with two, two rooms could each believe another one
        raise Invalid(f'Exactly one signature must have tag="{TAG}".')
    if ours[0] not in signatures:
        raise Invalid("Signature does not have the label of Signature-Input.")
    return Claim(inputs[ours[0]], signatures[ours[0]])


def check_parameters(claim: Claim) -> None:
    """Made just now, with a nonce, and with no parameter that we would have to understand."""
    created, expires, nonce = claim.says("created"), claim.says("expires"), claim.says("nonce")
    now = time.time()
    if unknown := claim.covered.parameters.keys() - MEANT:
        raise Invalid(f"Unknown parameter: {min(unknown)}.")
    if not isinstance(created, int) or abs(now - created) > SKEW:
        raise Invalid(f"created must be now, give or take {SKEW} seconds.")
    if "expires" in claim.covered.parameters and not (isinstance(expires, int) and now < expires):
        raise Invalid("The signature has expired.")
    if not isinstance(nonce, str) or len(nonce) not in NONCE:
        raise Invalid(f"nonce must have {NONCE.start} to {NONCE.stop - 1} characters.")


def key_of(claim: Claim, registered: list[dict[str, str]]) -> dict[str, str]:
    """The registered key that the signature names; the algorithm is the key's own."""
    key = next((key for key in registered if key["id"] == claim.says("keyid")), None)
    if key is None:
        raise Invalid("keyid names no registered key.")
    if "alg" in claim.covered.parameters and claim.says("alg") != key["algorithm"]:
        raise Invalid("alg is not the algorithm of this key.")
    return key


def check_coverage(claim: Claim, request: HttpRequest) -> None:
    """What is not covered can be changed on the way."""
    covered = claim.covered.names
    if missing := must_cover(request) - set(covered):
        raise Invalid(f"The signature must cover: {', '.join(sorted(missing))}.")
    if len(set(covered)) < len(covered):
        raise Invalid("A component is covered twice.")


def spend_nonce(request: Any, key: dict[str, str], nonce: str) -> None:
    """A nonce is a window with room for one request; all processes look at the same window.

    Within one request it is spent once: a change of policy is judged by the old and by the new.
    """
    name = hashed(f"{key['public_key']}\0{nonce}")
    if getattr(request, "spent_nonce", None) == name:
        return
    try:
        [taken] = counters.shared().take([Window(f"nonce:{name}", 1, REMEMBERED)])
    except StoreUnavailable:
        raise Problem("not-ready", "Nonces cannot be remembered at the moment.") from None
    if taken.wait > 0:
        raise Repeated("This nonce has been used.")
    request.spent_nonce = name
