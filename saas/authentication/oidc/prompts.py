"""How fresh a sign-in the client asks for, and whether anybody may be asked at all."""

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse

from saas.authentication.oauth.answers import Refusal
from saas.authentication.oauth.freshness import is_for_this, is_old, sign_in_again
from saas.authentication.oidc import tokens
from saas.authentication.oidc.claims import OPENID, subject

PROMPTS = ("none", "login", "consent", "select_account")
NOT_SUPPORTED = {  # OIDC Core §3.1.2.6; a request that we would only half understand is refused
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
    "claims": "invalid_request",
}
LONGEST_NONCE = 255


def judge(request: HttpRequest, scopes: Sequence[str]) -> HttpResponse | None:
    """Refuse what is not offered, send to sign in whose sign-in is not fresh enough, and let the
    person be asked otherwise. With `prompt=none` nobody is asked, so nobody says yes.
    """
    if OPENID not in scopes:
        return None
    prompts = understood(request)
    stale = is_stale(request, prompts)
    if "none" in prompts and (stale or not request.user.is_authenticated):
        raise Refusal("login_required", "Nobody is signed in, or not freshly enough.")
    refuse_another_person(request)
    if "none" in prompts:
        raise Refusal("consent_required", "The person is asked every time.")
    return sign_in_again(request) if stale else None


def understood(request: HttpRequest) -> set[str]:
    """The prompts. Refuses parameters that are not supported, or not well formed."""
    for name, error in NOT_SUPPORTED.items():
        if name in request.GET:
            raise Refusal(error, f"The parameter {name} is not supported.")
    prompts = request.GET.get("prompt", "").split()
    if not {*prompts} <= {*PROMPTS} or ("none" in prompts and len(prompts) > 1):
        raise Refusal("invalid_request", "prompt is not one of OpenID Connect.")
    if len(request.GET.get("nonce", "")) > LONGEST_NONCE:
        raise Refusal("invalid_request", "nonce is too long.")
    return {*prompts}


def is_stale(request: HttpRequest, prompts: set[str]) -> bool:
    """Whether this request wants a newer sign-in than there is; for one request nobody does it
    twice.
    """
    if is_for_this(request):
        return False
    return bool(prompts & {"login", "select_account"}) or is_old(request)


def refuse_another_person(request: HttpRequest) -> None:
    """An `id_token_hint` names who the client takes this for: somebody else would be signed in to
    their account.
    """
    hint = request.GET.get("id_token_hint")
    if hint is None:
        return
    claims = tokens.signed_by_us(hint)
    if claims is None or claims.get("aud") != request.GET.get("client_id"):
        raise Refusal("invalid_request", "id_token_hint is no ID token of this client.")
    if request.user.is_authenticated and claims["sub"] != subject(request.user.pk):
        raise Refusal("login_required", "Another person is signed in.")
