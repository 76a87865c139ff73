"""An organization can ask that its people come in with what no false page can take from them."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse

from apps.accounts.pages import posted, see
from apps.organizations.queries import memberships_of, policy
from apps.passkeys.showing import PHISHING_RESISTANT
from saas.authentication.assurance import TWO_FACTORS, is_met
from saas.authentication.credentials import stronger
from saas.authentication.demands import Policy
from saas.authentication.oauth import freshness
from saas.authentication.pages.proof import proof_of
from saas.context import Principal, PrincipalKind
from saas.tenancy.binding import bind

SWITCH = "require_phishing_resistant"


def demand_passkey(request: HttpRequest, principal: Principal, asked: Policy) -> None:
    """Raise 401 `step-up-required` for a person's token that did not come from a passkey. What a
    machine holds, no page can lure it to give away.
    """
    if not asked[SWITCH] or principal.kind != PrincipalKind.USER_TOKEN:
        return
    if not is_met(principal.acr, [PHISHING_RESISTANT]):
        text = "This organization asks its people to sign in with a passkey."
        raise stronger(principal, text, PHISHING_RESISTANT)


def judge(request: HttpRequest, _: Sequence[str]) -> HttpResponse | None:
    """Lead to a passkey, and back here, whoever allows something for such an organization; and who
    comes with a request that takes nothing less, before they are asked for a password in vain.
    """
    if takes_passkeys_alone(request):
        if freshness.is_old(request) and not freshness.is_for_this(request):
            freshness.sign_in_again(request)
            return to_passkey(request)
        return None if is_proved(request) else to_passkey(request)
    sent = posted(request) or {}
    user: Any = request.user
    if sent.get("decision") != "allow" or not user.is_authenticated or is_proved(request):
        return None
    chosen = sent.get("organization")
    asked = [one for one in memberships_of(user.pk) if str(one.tenant_id) == chosen]
    for membership in asked:
        with bind(membership.tenant_id):
            if policy()[SWITCH]:
                return to_passkey(request)
    return None


def takes_passkeys_alone(request: HttpRequest) -> bool:
    """Whether a client asks for a sign-in that only a passkey is. With `prompt=none` nobody is
    shown a page.
    """
    wanted = freshness.wanted(request)
    is_taken = is_met(PHISHING_RESISTANT, wanted) and not is_met(TWO_FACTORS, wanted)
    return is_taken and freshness.may_show_pages(request)


def to_passkey(request: HttpRequest) -> HttpResponse:
    """To the page that signs in with a passkey alone."""
    response = see("passkey_sign_in")
    response["Location"] += f"?{urlencode({'next': request.get_full_path()})}"
    return response


def is_proved(request: HttpRequest) -> bool:
    """Whether whoever is signed in here has shown a passkey."""
    return is_met(proof_of(request).acr, [PHISHING_RESISTANT])
