"""The pages of a person's own account."""

from typing import Any

from allauth.account.views import LoginView
from allauth.mfa.base.views import AuthenticateView
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from saas.authentication import attempts


class SecondFactor(AuthenticateView):
    """The code of the authenticator app; each guess is counted before the code is looked at."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Count by the person: whoever stands here has the password already."""
        if request.method == "POST":
            person = str(request._login_stage.login.user.pk)  # type: ignore[attr-defined]  # allauth's
            self.reserved = attempts.reserve("second-factor", person, None)
        response: HttpResponse = super().dispatch(request, *args, **kwargs)
        return response

    def form_valid(self, form: Any) -> HttpResponse:
        """The code was right."""
        attempts.forgive(self.reserved)
        response: HttpResponse = super().form_valid(form)
        response.status_code = 303
        return response


class SignIn(LoginView):
    """Address and password."""

    def form_valid(self, form: Any) -> HttpResponse:
        """On to the second factor, or to where the person came from; never with the password."""
        response: HttpResponse = super().form_valid(form)
        if response.status_code == 302:
            response.status_code = 303
        return response


@login_required
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """That somebody is signed in, and how to end it."""
    return render(request, "account/home.html")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    response = HttpResponseRedirect(reverse("account_login"))
    response.status_code = 303
    return response
