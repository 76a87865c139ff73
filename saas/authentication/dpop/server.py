"""At the authorization server: whose proof comes with a request gets tokens for that key."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse

from saas.authentication.dpop.judgement import REPLAYED, Repeated, WantsNonce, judged
from saas.authentication.dpop.models import BoundClient, BoundGrant, BoundToken
from saas.authentication.dpop.proofs import ALGORITHMS, BadProof
from saas.authentication.oauth.answers import Refusal
from saas.edge.noticing import noticed

PROVED = "saas.dpop_jkt"  # where later moments find the key; no header can have such a name
THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")


def judge(request: HttpRequest, scopes: Sequence[str]) -> HttpResponse | None:
    """`dpop_jkt` is a thumbprint, or the authorization request goes back (RFC 9449 §10)."""
    wanted = request.GET.get("dpop_jkt")
    if wanted and not THUMBPRINT.fullmatch(wanted):
        raise Refusal("invalid_request", "dpop_jkt is no thumbprint.")
    return None


def bind_code(grant: Any, request: HttpRequest, **_: Any) -> None:
    """The code is for the key that was named: stolen on its way, it is worth nothing."""
    if wanted := request.GET.get("dpop_jkt"):
        BoundGrant.objects.create(grant=grant, jkt=wanted)


def judge_proof(request: HttpRequest, form: Mapping[str, str], client: Any) -> None:
    """Judge the proof before anything is consumed, so that a client may try again."""
    if "HTTP_DPOP" not in request.META:
        if BoundClient.objects.filter(client=client).exists():
            raise Refusal("invalid_dpop_proof", "This client must send a proof.")
        return
    try:
        request.META[PROVED] = judged(request).jkt
    except Repeated as bad:
        noticed(request, REPLAYED, org=client.organization_id, credential=client.pk)
        raise Refusal("invalid_dpop_proof", str(bad)) from None
    except BadProof as bad:
        raise Refusal("invalid_dpop_proof", str(bad)) from None
    except WantsNonce:
        raise Refusal("use_dpop_nonce", "Use the nonce of DPoP-Nonce.") from None


def has_its_key(request: Any, grant: Any) -> bool:
    """Whether the proof is of the key that the grant is bound to, if it is. A confidential client's
    refresh tokens are bound to its secret instead (RFC 9449 §5).
    """
    if request.grant_type == "refresh_token" and request.client.client_type != "public":
        return True
    bound = BoundGrant.objects.filter(grant=grant).values_list("jkt", flat=True).first()
    return bound is None or bound == request.headers.get(PROVED)


def bind_tokens(token: dict[str, Any], access: Any, grant: Any, request: Any, **_: Any) -> None:
    """Bind what was made; a public client's family with it, from its first proof on."""
    jkt = request.headers.get(PROVED)
    if jkt is None:
        return
    token["token_type"] = "DPoP"  # noqa: S105  # a kind, no secret
    BoundToken.objects.create(token=access, jkt=jkt)
    if grant is not None and request.client.client_type == "public":
        BoundGrant.objects.get_or_create(grant=grant, defaults={"jkt": jkt})


def told(access: Any) -> dict[str, Any]:
    """To whom a resource server must believe the token (RFC 9449 §6.2)."""
    bound = BoundToken.objects.filter(token=access).first()
    return {"token_type": "DPoP", "cnf": {"jkt": bound.jkt}} if bound else {}


def metadata() -> dict[str, Any]:
    """RFC 9449 §5.1."""
    return {"dpop_signing_alg_values_supported": list(ALGORITHMS)}
