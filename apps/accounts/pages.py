"""What every page with a form does: count, show, and send on."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.internal.flows.login import record_authentication
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.views.decorators.http import require_http_methods

from apps.accounts.forms import Form
from apps.accounts.models import User
from saas.authentication import attempts
from saas.authentication.pages.sessions import stored

type View = Callable[..., HttpResponse]
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def open_page(view: View) -> View:
    """A page for everybody. What is sent to it, and the secrets in its links, are counted by
    network before anything is looked at (RATE-01).
    """

    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def counted(request: HttpRequest, **named: Any) -> HttpResponse:
        if named or request.method == "POST":
            attempts.count_network(request, "account")
        return view(request, **named)

    return counted


def own_page(view: View) -> View:
    """A page for who is signed in."""
    return login_required(open_page(view))


def posted(request: HttpRequest) -> Any:
    """What a form was sent with, or None when the page is only looked at. The one place where pages
    read it; a form takes from it what it declares.
    """
    return request.POST if request.method == "POST" else None


def show(
    request: HttpRequest, form: Form, template: str = "account/form.html", **context: Any
) -> HttpResponse:
    """The form; with 400 when what was sent is not right."""
    status = 400 if form.is_bound else 200
    return render(request, template, {"form": form, **context}, status=status)


def see(name: str, **named: Any) -> HttpResponse:
    """303: look there, and do not send again what was sent here."""
    response = HttpResponseRedirect(resolve_url(name, **named))
    response.status_code = 303
    return response


def sign_in(request: HttpRequest, user: User) -> None:
    """Sign in somebody who has just proved the address and chosen a password."""
    login(request, user, backend=BACKEND)
    record_authentication(request, user, method="password")


def own_session(request: HttpRequest) -> str:
    """What stands in the table for this browser's session."""
    return stored(request.session.session_key)
