"""The pages of passkeys. What a device says comes in a form, so that the answer is a page too."""

from typing import Any
from uuid import UUID

from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST
from fido2.webauthn import RegistrationResponse

from apps.accounts.pages import open_page, own_page, own_session, posted, see, show
from apps.accounts.views import CODES, keep_secret
from apps.passkeys import ceremony, challenges, forms, queries, services, showing
from apps.passkeys.models import Passkey
from saas.authentication import attempts
from saas.errors import Problem

ADDING = "adding_passkey"  # in the session: until when somebody who proved themselves may add one


@require_POST
def challenge(request: HttpRequest) -> HttpResponse:
    """What a device is asked; it tells everybody the same."""
    attempts.count_network(request, "passkey")
    return JsonResponse(ceremony.request_options(challenges.give(request, "get")))


@open_page
def sign_in(request: HttpRequest) -> HttpResponse:
    """A passkey alone: something that the person has, unlocked by what they are or know."""
    if request.method != "POST":
        return render(request, "passkeys/sign_in_page.html")
    try:
        passkey = showing.shown(request, sent(request))
    except Problem as problem:
        return refused(request, problem)
    if request.user.is_authenticated and request.user != passkey.user:
        logout(request)
    showing.note(request, passkey, passwordless=True)
    login = Login(user=passkey.user, redirect_url=get_next_redirect_url(request))
    return seen(perform_login(request, login))


@require_POST
def second_step(request: HttpRequest) -> HttpResponse:
    """A passkey after the password, in place of a code."""
    stage = request._login_stage  # type: ignore[attr-defined]  # allauth's
    attempts.count_network(request, "second-factor", name=stage.login.user.get_username())
    try:
        passkey = showing.shown(request, sent(request), owner=stage.login.user)
    except Problem as problem:
        return refused(request, problem)
    showing.note(request, passkey)
    return seen(stage.exit())


@own_page
def start(request: HttpRequest) -> HttpResponse:
    """Who is there? Then a passkey can be made for some minutes."""
    form = forms.StartPasskey(posted(request), request)
    if not form.is_valid():
        return show(request, form)
    request.session[ADDING] = (timezone.now() + challenges.LIFETIME).timestamp()
    return see("passkey_create")


@login_required
@require_POST
def creation(request: HttpRequest) -> HttpResponse:
    """What a device is asked that is to make one."""
    attempts.count_network(request, "account")
    if not may_add(request):
        return see("passkey_start")
    user: Any = request.user
    known = [one.credential_id for one in queries.passkeys(user)]
    given = challenges.give(request, "create")
    return JsonResponse(ceremony.creation_options(given, user, known))


@own_page
def create(request: HttpRequest) -> HttpResponse:
    """The new passkey with its name; and recovery codes, when nothing stood beside the password
    before.
    """
    if not may_add(request):
        return see("passkey_start")
    form = forms.CreatePasskey(posted(request))
    if not form.is_valid():
        return show(request, form, "passkeys/create.html")
    try:
        codes = enrolled(request, **form.cleaned_data)
    except Problem as problem:
        if problem.status not in (400, 409):
            raise
        form.add_error(None, problem.detail)
        return show(request, form, "passkeys/create.html")
    del request.session[ADDING]
    request.session.cycle_key()
    if not codes:
        return see("account_home")
    keep_secret(request, CODES, " ".join(codes))
    return see("account_recovery_codes")


def enrolled(request: HttpRequest, name: str, passkey: str) -> list[str]:
    """Keep it; gives recovery codes. Raises 400 and 409."""
    given = challenges.take(request, "create")
    answer = ceremony.read(RegistrationResponse, passkey)
    if given is None:
        raise ceremony.malformed()
    user: Any = request.user
    return services.enrol(user, name, given, answer, keep=own_session(request))


@own_page
def rename(request: HttpRequest, id: UUID) -> HttpResponse:
    """Another name."""
    passkey = own(request, id)
    form = forms.RenamePasskey(posted(request), passkey.name)
    if not form.is_valid():
        return show(request, form)
    services.rename(passkey, form.cleaned_data["name"])
    return see("account_home")


@own_page
def remove(request: HttpRequest, id: UUID) -> HttpResponse:
    """Password and code, or a passkey, and this one is gone."""
    passkey = own(request, id)
    form = forms.RemovePasskey(posted(request), request)
    if not form.is_valid():
        return show(request, form, "passkeys/remove.html", passkey=passkey)
    try:
        services.remove(passkey, keep=own_session(request))
    except Problem as problem:
        form.add_error(None, problem.detail)
        return show(request, form, "passkeys/remove.html", passkey=passkey)
    request.session.cycle_key()
    return see("account_home")


def own(request: HttpRequest, id: UUID) -> Passkey:
    """The person's own passkey; another's is not there."""
    passkey = queries.passkeys(request.user).select_related("user").filter(pk=id).first()
    if passkey is None:
        raise Problem("not-found")
    return passkey


def may_add(request: HttpRequest) -> bool:
    """Whether somebody has proved themselves here just now: an open session is not enough."""
    return timezone.now().timestamp() < request.session.get(ADDING, 0)


def sent(request: HttpRequest) -> str:
    """What the device said."""
    return str((posted(request) or {}).get("passkey", ""))


def seen(response: HttpResponse) -> HttpResponse:
    """303: what was sent here is not sent on."""
    if response.status_code == 302:
        response.status_code = 303
    return response


def refused(request: HttpRequest, problem: Problem) -> HttpResponse:
    """A page that says so; what limits and stores refuse stays a problem."""
    if problem.status not in (400, 401):
        raise problem
    page = render(request, "passkeys/refused.html", status=problem.status)
    for name, value in problem.headers.items():
        page[name] = value
    return page
