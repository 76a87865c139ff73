"""The pages on which people come to an organization, and go."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from apps.accounts import factors
from apps.accounts.models import User
from apps.accounts.pages import open_page, own_page, own_session, posted, see, show, sign_in
from apps.accounts.queries import (
    authenticator,
    is_protected,
    is_taken,
    must_have_factor,
    recovery_codes,
    sessions,
)
from apps.accounts.services import ask_for_proof
from apps.organizations import forms, queries, services
from saas.authentication import attempts
from saas.authentication.pages.middleware import SIGNED_IN_AT
from saas.crypto import is_digest_of, random_text
from saas.errors import Problem

SIGN_UP = "sign_up"  # in the session: what was asked for, until the address is proved


@login_required
@require_http_methods(["GET", "HEAD"])
def home(request: HttpRequest) -> HttpResponse:
    """Where the person belongs, what opens the account, and where they are signed in."""
    user: User = request.user  # type: ignore[assignment]  # signed in
    context = {
        "memberships": queries.memberships_of(user.pk),
        "has_app": authenticator(user) is not None,
        "is_protected": is_protected(user),
        "may_remove_app": not must_have_factor(user) or bool(factors.of(user)),
        "factors": [(factor.home_page, factor.listed(user)) for factor in factors.FACTORS],
        "codes_left": recovery_codes(user).count(),
        "sessions": list(shown_sessions(request, user)),
    }
    return render(request, "account/home.html", context)


def shown_sessions(request: HttpRequest, user: User) -> Any:
    """The person's sessions, the newest first; each with what its browser called itself."""
    for row in sessions(user).order_by("-expire_date"):
        held = row.get_decoded()
        if SIGNED_IN_AT not in held:  # written under a key that is no more
            continue
        yield {
            "id": row.session_key,
            "is_this": row.session_key == own_session(request),
            "browser": held.get("browser", ""),
            "since": datetime.fromtimestamp(held[SIGNED_IN_AT], UTC),
        }


@open_page
def sign_up(request: HttpRequest) -> HttpResponse:
    """Ask for an account and an organization. Neither exists before the address is proved, and the
    answer does not tell whether it has an account (X-15).
    """
    form = forms.SignUp(posted(request))
    if not form.is_valid():
        return show(request, form, "organizations/sign_up.html")
    asked = form.cleaned_data
    attempts.reserve("letter", asked["email"], request)  # nobody fills a mailbox from here
    request.session[SIGN_UP] = {
        "id": random_text(22),
        "email": asked["email"],
        "organization": asked["organization"],
        "password": make_password(asked["password"]),
        "code": ask_for_proof(asked["email"]),
        "until": (timezone.now() + settings.LIFETIMES.sign_up).timestamp(),
    }
    return see("account_prove")


@open_page
def prove(request: HttpRequest) -> HttpResponse:
    """The code of the mail, and the person is the owner of a new organization."""
    asked = request.session.get(SIGN_UP)
    if asked is None or timezone.now().timestamp() > asked["until"]:
        return see("account_signup")
    form = forms.Prove(posted(request))
    if form.is_valid():
        code = form.cleaned_data["code"].replace(" ", "")
        attempts.reserve("sign-up", asked["id"], None)  # and after fifteen minutes it is over
        if is_digest_of(asked["code"], code, purpose="sign-up"):
            del request.session[SIGN_UP]
            return found(request, asked)
        form.add_error("code", "This code is not right.")
    return show(request, form, "organizations/prove.html", email=asked["email"])


def found(request: HttpRequest, asked: dict[str, str]) -> HttpResponse:
    """The organization and its owner, who is signed in; unless the address got an account since."""
    try:
        user = services.sign_up(asked["email"], asked["password"], asked["organization"])
    except Problem as problem:
        return refused(request, problem)
    sign_in(request, user)
    return see("account_home")


@open_page
def invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """The link of the mail. Looking at it changes nothing, because scanners of mail follow links;
    the form joins.
    """
    found = queries.invitation_shown(secret)
    if found is None:
        return refused(request, services.no_invitation())
    context = {"invitation": found, "organization": found.tenant}
    user: Any = request.user
    if user.is_authenticated and user.email != found.email:
        return render(request, "organizations/other_address.html", context, status=403)
    if not user.is_authenticated and is_taken(found.email):
        return render(request, "organizations/sign_in_first.html", context)
    sent = posted(request)
    try:
        if user.is_authenticated:
            form: Any = forms.Confirm(sent, "You are invited", "Join")
            if form.is_valid():
                services.accept(user, secret)
                return see("account_home")
        else:
            form = forms.Join(sent, User(email=found.email, name=found.tenant.name))
            if form.is_valid():
                hashed = make_password(form.cleaned_data["password"])
                sign_in(request, services.join_as_new(found.email, hashed, secret))
                return see("account_home")
    except Problem as problem:
        return refused(request, problem)
    return show(request, form, "organizations/invitation.html", **context)


@own_page
def leave(request: HttpRequest, id: UUID) -> HttpResponse:
    """Ask once, then go."""
    user: Any = request.user
    mine = {one.tenant_id: one.tenant for one in queries.memberships_of(user.pk)}.get(id)
    if mine is None:
        return refused(request, Problem("not-found", "You do not belong to this organization."))
    form = forms.Confirm(posted(request), f"Leave {mine.name}?", "Leave")
    if not form.is_valid():
        return show(request, form, "organizations/leave.html", organization=mine)
    try:
        services.leave(user, id)
    except Problem as problem:
        return refused(request, problem)
    return see("account_home")


@own_page
def close(request: HttpRequest) -> HttpResponse:
    """Password and code, and the account is over."""
    form = forms.Close(posted(request), request)
    if not form.is_valid():
        return show(request, form, "organizations/close.html")
    try:
        services.close_account(form.user)
    except Problem as problem:
        return refused(request, problem)
    logout(request)
    return see("account_closed")


@require_http_methods(["GET", "HEAD"])
def closed(request: HttpRequest) -> HttpResponse:
    """That it is over."""
    return render(request, "organizations/closed.html")


def refused(request: HttpRequest, problem: Problem) -> HttpResponse:
    """A page that says why, and what to do; what limits and stores refuse stays a problem."""
    if problem.status not in (403, 404, 409):
        raise problem
    context = {"problem": problem}
    return render(request, "organizations/refused.html", context, status=problem.status)
