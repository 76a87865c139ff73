"""The consent page: who asks for what, for which organization, and for how long."""

from datetime import UTC, datetime
from typing import Any, NamedTuple, cast
from urllib.parse import urlencode, urlsplit

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import SuspiciousOperation
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods
from oauth2_provider.exceptions import FatalClientError, OAuthToolkitError
from oauth2_provider.oauth2_backends import get_oauthlib_core

from apps.accounts.models import User
from apps.integrations.access import GrantEvent
from apps.integrations.models import OAuthApplication, OAuthGrant
from apps.integrations.returning import may_end_at
from apps.organizations.models import Organization
from apps.organizations.queries import organizations_of
from saas.audit import trail
from saas.authentication import demands
from saas.authentication.assurance import TWO_FACTORS, is_met
from saas.authentication.oauth import freshness
from saas.authentication.oauth.answers import Refusal
from saas.authentication.oauth.forms import CHALLENGE, CONTROL, MAX_LENGTH
from saas.authentication.oauth.modules import JUDGES, grant_made
from saas.authentication.oauth.scopes import IDENTITY
from saas.authentication.oauth.server import code_digest
from saas.authentication.oauth.views import own_resources
from saas.authentication.pages.proof import proof_of
from saas.authorization.approval import Act, Waiting, agreed
from saas.context import Actor, Principal, PrincipalKind, roles
from saas.errors import Problem
from saas.tenancy.binding import bind
from saas.tenancy.entrance import role_of

DECISION = {"csrfmiddlewaretoken", "decision", "organization"}


class Asked(NamedTuple):
    """A valid authorization request, as oauthlib has read it."""

    application: OAuthApplication
    scopes: list[str]
    credentials: dict[str, Any]

    @property
    def redirect_uri(self) -> str:
        """Where the answer goes: registered, letter for letter."""
        return str(self.credentials["redirect_uri"])


class Answered(Exception):
    """The request is settled before a person is asked."""

    def __init__(self, response: HttpResponse) -> None:
        self.response = response
        super().__init__()


@require_http_methods(["GET", "POST"])
def authorize(request: HttpRequest) -> HttpResponse:
    """Ask the person, always: no parameter gives a yes in their place."""
    try:
        asked = judged(request)
    except Answered as answered:
        return answered.response
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    organizations = choices(request.user, asked.application)
    if not organizations:
        return turned_away(asked.credentials, "access_denied", "You belong to none.")
    withheld = withheld_from(request, asked.scopes)
    asked = asked._replace(scopes=[scope for scope in asked.scopes if scope not in withheld])
    if not asked.scopes:
        return turned_away(asked.credentials, "access_denied", "A second factor is required.")
    if request.method == "POST":
        return decided(request, asked, organizations)
    return page(
        request,
        asked.redirect_uri,
        "integrations/consent.html",
        application=asked.application,
        withheld=withheld,
        rights=[scope for scope in asked.scopes if scope not in IDENTITY],
        told=[IDENTITY[scope] for scope in asked.scopes if scope in IDENTITY],
        organizations=organizations,
        days=settings.LIFETIMES.refresh_family.days,
        destination=urlsplit(asked.redirect_uri).netloc or asked.redirect_uri,
    )


def judged(request: HttpRequest) -> Asked:
    """The request, or Answered. Without a client and a redirect URI that it registered nobody is
    sent anywhere: an error page answers.
    """
    try:
        refuse_nonsense(request)
        scopes, credentials = get_oauthlib_core().validate_authorization_request(request)
    except (FatalClientError, Refusal) as fault:
        reason = fault.description if isinstance(fault, Refusal) else fault.oauthlib_error.error
        raise Answered(
            render(request, "integrations/refused.html", {"reason": reason}, status=400)
        ) from None
    except OAuthToolkitError as fault:
        error = fault.oauthlib_error
        code = error.error
        if request.GET.get("response_type", "code") != "code":
            code = "unsupported_response_type"
        sent = {"redirect_uri": error.redirect_uri, "state": error.state}
        raise Answered(turned_away(sent, code, error.description)) from None
    # A challenge that no verifier has (`plain` sent as S256, or none) would be kept and never bind.
    is_s256 = credentials.get("code_challenge_method") == "S256"
    if not is_s256 or not CHALLENGE.fullmatch(credentials["code_challenge"]):
        raise Answered(turned_away(credentials, "invalid_request", "PKCE with S256 is required."))
    # In a fragment scripts of the client's page read the code, and it stands in the history.
    if request.GET.get("response_mode", "query") != "query":
        raise Answered(turned_away(credentials, "invalid_request", "The mode is query."))
    # Who signs a request believes that it counts: it must not be passed over (RFC 9101 §6.3).
    for name in {"request", "request_uri"} & request.GET.keys():
        raise Answered(turned_away(credentials, f"{name}_not_supported", "Send parameters."))
    if request.GET.get("resource", settings.SAAS_ORIGIN).rstrip("/") not in own_resources():
        raise Answered(turned_away(credentials, "invalid_target", "Ask for this API."))
    ask_modules(request, scopes, credentials)
    application = OAuthApplication.objects.get(client_id=credentials["client_id"])
    return Asked(application, scopes, credentials)


def ask_modules(request: HttpRequest, scopes: list[str], credentials: dict[str, Any]) -> None:
    """Answered, when a module, or how fresh the sign-in must be, speaks against the page."""
    try:
        for judge in (*JUDGES, freshness.judge):
            if (answer := judge(request, scopes)) is not None:
                raise Answered(answer)
    except Refusal as refusal:
        away = turned_away(credentials, refusal.error, refusal.description)
        raise Answered(away) from None


def refuse_nonsense(request: HttpRequest) -> None:
    """What no honest client sends: a parameter twice, control characters, pages of text; or beside
    the person's decision a parameter of the request, which oauthlib would take for what was shown.
    """
    if not request.POST.keys() <= DECISION:
        raise Refusal("invalid_request", "the form holds what was not asked")
    for name, values in (*request.GET.lists(), *request.POST.lists()):
        if len(values) > 1 or CONTROL.search(name + values[0]) or len(values[0]) > MAX_LENGTH:
            raise Refusal("invalid_request", "a parameter is malformed")


def choices(user: User, application: OAuthApplication) -> list[Organization]:
    """The person's organizations; of a private client only its own one."""
    return [
        organization
        for organization in organizations_of(user.pk)
        if not application.is_private or organization.pk == application.organization_id
    ]


def withheld_from(request: HttpRequest, scopes: list[str]) -> list[str]:
    """What nobody gives away who proved themselves by a password alone in this session: a stolen
    password would otherwise become a token that makes members and keys (AUTHN-08).
    """
    if is_mfa_enabled(request.user) and is_met(proof_of(request).acr, [TWO_FACTORS]):
        return []
    return sorted(settings.SAAS_SENSITIVE_SCOPES.intersection(scopes))


def decided(request: HttpRequest, asked: Asked, organizations: list[Organization]) -> HttpResponse:
    """A code for the chosen organization, or the person's no."""
    if request.POST.get("decision") != "allow":
        return turned_away(asked.credentials, "access_denied", "The person did not allow it.")
    chosen = {str(one.pk): one for one in organizations}.get(request.POST.get("organization", ""))
    if chosen is None:
        raise SuspiciousOperation("This organization was not offered.")
    person = in_person(request, chosen, asked.scopes)
    asked.credentials.update(organization_id=chosen.pk, auth_time=person.auth_time, acr=person.acr)
    with transaction.atomic():
        if (answer := unwelcome(request, person, asked)) is not None:
            return answer
        if (waiting := awaiting(person, asked)) is not None:
            return waits(request, asked, chosen, waiting)
        uri, *_ = get_oauthlib_core().create_authorization_response(
            request, asked.scopes, asked.credentials, allow=True
        )
        note_approval(request, chosen, asked, uri)
    request.session.pop(freshness.SIGNED_IN_FOR, None)
    return sent_to(uri)


def in_person(request: HttpRequest, organization: Organization, scopes: list[str]) -> Principal:
    """Who says yes, as tokens of theirs would prove them."""
    proof, id = proof_of(request), cast(User, request.user).pk
    return Principal(
        PrincipalKind.USER_TOKEN,
        id,
        id,
        organization.pk,
        id,
        frozenset(scopes),
        None,
        auth_time=datetime.fromtimestamp(proof.auth_time, UTC),
        acr=proof.acr,
    )


def unwelcome(request: HttpRequest, person: Principal, asked: Asked) -> HttpResponse | None:
    """Nobody gives away what would open nothing: where the organization asks for another sign-in
    the person is sent to it, once; what they cannot do better, the client is told.
    """
    try:
        demands.entering.send(None, request=request, principal=person)
    except Problem as problem:
        if problem.status == 401 and not freshness.is_for_this(request):
            return freshness.sign_in_again(request)
        request.session.pop(freshness.SIGNED_IN_FOR, None)
        weak = "unmet_authentication_requirements"
        error = weak if problem.status == 401 else "access_denied"
        return turned_away(asked.credentials, error, problem.detail)
    return None


def awaiting(person: Principal, asked: Asked) -> Any:
    """What waits for a second person before this client has what it asks for, or None."""
    scopes = sorted(set(asked.scopes) - IDENTITY.keys())
    client = asked.application
    wanted = {"client": str(client.pk), "name": client.name, "scopes": scopes}
    with bind(person.tenant_id), trail.recording():
        role = role_of(person) or ""  # of who has just left: nothing
        actor = Actor(person, person.tenant_id, role, roles().get(role, frozenset()))
        try:
            agreed(actor, Act("oauth-grant.consent", None, frozenset(scopes), wanted))
        except Waiting as waiting:
            return waiting.row
    return None


def waits(request: HttpRequest, asked: Asked, organization: Organization, row: Any) -> HttpResponse:
    """202: nothing was allowed yet. The person may go back, and the client then hears a no."""
    denied = turned_away(asked.credentials, "access_denied", "A second person has to agree first.")
    context = {"application": asked.application, "organization": organization, "waiting": row}
    return render(
        request, "integrations/waiting.html", context | {"back": denied["Location"]}, status=202
    )


def note_approval(request: HttpRequest, organization: Organization, asked: Asked, uri: str) -> None:
    """The organization's trail says who allowed whom what."""
    code = dict(part.partition("=")[::2] for part in urlsplit(uri).query.split("&"))["code"]
    grant = OAuthGrant.objects.get(code=code_digest(code))
    with bind(organization.pk), trail.recording():
        trail.record(
            None,
            GrantEvent.APPROVED,
            grant,
            user=str(request.user.pk),
            client=str(asked.application.pk),
            scopes=asked.scopes,
        )
    grant_made.send(sender=None, grant=grant, request=request)


def turned_away(credentials: dict[str, Any], error: str, description: str) -> HttpResponse:
    """Back to the client with an error and our own name (RFC 6749 §4.1.2.1, RFC 9207)."""
    told = {"error": error, "iss": settings.SAAS_ORIGIN}
    if description:
        told["error_description"] = description
    if credentials.get("state"):
        told["state"] = credentials["state"]
    uri = str(credentials["redirect_uri"])
    return sent_to(f"{uri}{'&' if '?' in uri else '?'}{urlencode(told)}")


def sent_to(uri: str) -> HttpResponse:
    """303, never 307: what the browser posted here must not be posted on."""
    return HttpResponse(status=303, headers={"Location": uri}, content_type="text/html")


def page(request: HttpRequest, redirect_uri: str, template: str, **context: Any) -> HttpResponse:
    """The page, whose form may end at the client and nowhere else."""
    response = render(request, template, context)
    may_end_at(response, redirect_uri)
    return response
