"""The pages of a person's own account."""

from typing import Any

from allauth.account.views import LoginView
from allauth.mfa.base.views import AuthenticateView
from django.conf import settings
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
        """Whoever stands here has the password already, so five wrong codes are enough."""
        if request.method == "POST":
            name = request._login_stage.login.user.get_username()  # type: ignore[attr-defined]  # allauth's
            attempts.count_network(request, "second-factor", name=name)
            self.tried = attempts.reserve(
                "second-factor", name, request, patience=settings.FACTOR_PATIENCE, signs_in=True
            )
        response: HttpResponse = super().dispatch(request, *args, **kwargs)
        return response

    def form_valid(self, form: Any) -> HttpResponse:
        """The code was right."""
        attempts.forgive(self.tried)
        response: HttpResponse = super().form_valid(form)
        response.status_code = 303
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        """It was wrong, or used already."""
        attempts.missed(self.tried)
        response: HttpResponse = super().form_invalid(form)
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
