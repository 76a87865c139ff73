"""How fresh and how strong a sign-in a client asks for: `max_age`, `acr_values` (RFC 9470 §4)."""

import re
from collections.abc import Sequence

from allauth.mfa.utils import is_mfa_enabled
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from saas.authentication.assurance import TWO_FACTORS, is_met
from saas.authentication.oauth.answers import Refusal
from saas.authentication.pages.middleware import SIGNED_IN_AT
from saas.authentication.pages.proof import proof_of
from saas.crypto import hashed

SECONDS = re.compile(r"[0-9]{1,9}")
SIGNED_IN_FOR = "signed_in_for"  # in the session: the request that asked for a new sign-in


def judge(request: HttpRequest, scopes: Sequence[str]) -> HttpResponse | None:
    """Send to sign in again whose sign-in is too old or too weak, once for each request. Refuses
    who cannot do better: they would be asked for ever.
    """
    old, weak = is_old(request), is_weak(request)
    better = old or (weak and is_mfa_enabled(request.user))
    if better and not is_for_this(request):
        return sign_in_again(request)
    if weak:
        text = "Nobody signs in here as strongly as that."
        if is_met(TWO_FACTORS, wanted(request)):
            text = "Set up a second factor first."
        raise Refusal("unmet_authentication_requirements", text)
    return None


def is_old(request: HttpRequest) -> bool:
    """Whether nobody has signed in for as long as `max_age` allows."""
    longest = request.GET.get("max_age")
    if longest is None:
        return False
    if not SECONDS.fullmatch(longest):
        raise Refusal("invalid_request", "max_age is a number of seconds.")
    age = timezone.now().timestamp() - request.session.get(SIGNED_IN_AT, 0)
    return bool(age >= int(longest))


def is_weak(request: HttpRequest) -> bool:
    """Whether somebody is signed in, and by less than each of `acr_values`."""
    acrs = wanted(request)
    if not (acrs and request.user.is_authenticated):
        return False
    return not is_met(proof_of(request).acr, acrs)


def wanted(request: HttpRequest) -> list[str]:
    """The ways to sign in that the client would take, by their `acr`; none: it takes any."""
    return request.GET.get("acr_values", "").split()


def may_show_pages(request: HttpRequest) -> bool:
    """Whether the client lets the person be asked (OpenID Connect Core §3.1.2.1)."""
    return "none" not in request.GET.get("prompt", "").split()


def is_for_this(request: HttpRequest) -> bool:
    """Whether this session began with a sign-in that this very request asked for."""
    return bool(request.session.get(SIGNED_IN_FOR) == fingerprint(request))


def sign_in_again(request: HttpRequest) -> HttpResponse:
    """End the session, if there is one, and note in the next what it is for: the URL alone cannot
    claim that somebody has just signed in.
    """
    logout(request)
    request.session[SIGNED_IN_FOR] = fingerprint(request)
    return redirect_to_login(request.get_full_path())


def fingerprint(request: HttpRequest) -> str:
    """This request and no other."""
    return hashed(request.META.get("QUERY_STRING", ""))
