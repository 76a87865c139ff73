"""The pages of a person's own account."""

from typing import Any
from uuid import UUID

from allauth.account.internal.flows.login import record_authentication
from allauth.account.views import LoginView
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.totp.internal.auth import generate_totp_secret
from django.conf import settings
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.tokens import default_token_generator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts import factors, forms, queries, services, strangers
from apps.accounts.pages import open_page, own_page, own_session, posted, see, show
from apps.accounts.picture import qr
from saas.authentication import attempts, events
from saas.authentication.attempts import Try
from saas.edge.noticing import noticed
from saas.errors import Problem

ENROLLING, CODES = "enrolling", "recovery_codes"  # in the session, under the key-encryption key


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
        noticed(self.request, events.FAILED)
        response: HttpResponse = super().form_invalid(form)
        return response

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        """With what else this person may show."""
        user = self.stage.login.user
        has_app = queries.authenticator(user) is not None
        more = {"has_app": has_app, "factors": factors.of(user)}
        return super().get_context_data(**context) | more


class SignIn(LoginView):
    """Address and password."""

    extra_context = {"factors": factors.FACTORS}

    def form_valid(self, form: Any) -> HttpResponse:
        """On to the second factor, or to where the person came from; never with the password."""
        response: HttpResponse = super().form_valid(form)
        if response.status_code == 302:
            response.status_code = 303
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        """The same page for whatever was wrong, or the next one for whatever is in doubt."""
        if getattr(self.request, "is_doubted", False):
            return see("account_confirm")
        response: HttpResponse = super().form_invalid(form)
        return response


@open_page
def confirm(request: HttpRequest) -> HttpResponse:
    """A code, where a password is not enough. Who guesses has five tries for a name, whether the
    password was right or not.
    """
    held = strangers.asked(request)
    if held is None:
        return see("account_login")
    form = forms.Confirm(posted(request))
    if form.is_valid():
        name = Try(*held["tried"]).name
        tried = attempts.reserve(
            "doubt", name, request, patience=settings.FACTOR_PATIENCE, signs_in=True
        )
        who = strangers.proved(held, form.cleaned_data["code"])
        if who is not None:
            attempts.forgive(tried)
            return strangers.enter(request, held, who)
        attempts.missed(tried)
        noticed(request, events.FAILED)
        form.add_error("code", forms.WRONG_CODE)
    return show(request, form, "account/confirm.html", factors=factors.FACTORS)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return see("account_login")


@own_page
def change_password(request: HttpRequest) -> HttpResponse:
    """Another password; this session goes on under a new key, the others end."""
    form = forms.ChangePassword(posted(request), request)
    if not form.is_valid():
        return show(request, form)
    services.set_password(form.user, form.cleaned_data["new_password"], keep=own_session(request))
    update_session_auth_hash(request, form.user)
    return see("account_home")


@open_page
def ask_reset(request: HttpRequest) -> HttpResponse:
    """Ask for a link; the answer is the same whoever asks for whom (X-15)."""
    form = forms.AskReset(posted(request))
    if not form.is_valid():
        return show(request, form, "account/ask_reset.html")
    email = form.cleaned_data["email"]
    attempts.reserve("letter", email, request)  # nobody fills a mailbox from here
    services.ask_for_reset(email)
    return see("account_reset_sent")


@require_http_methods(["GET", "HEAD"])
def reset_sent(request: HttpRequest) -> HttpResponse:
    """That a letter is on its way, to whom is not said."""
    return render(request, "account/reset_sent.html")


@open_page
def reset(request: HttpRequest, id: UUID, token: str) -> HttpResponse:
    """The link of the mail. It signs nobody in: the second factor is asked for as ever."""
    user = queries.people().filter(pk=id).first()
    if user is None or not default_token_generator.check_token(user, token):
        return render(request, "account/link_is_dead.html", status=404)
    form = forms.NewPassword(posted(request), user)
    if not form.is_valid():
        return show(request, form)
    if not services.reset_password(user, token, form.cleaned_data["password"]):
        return render(request, "account/link_is_dead.html", status=404)
    return see("account_login")


@own_page
def start_enrolment(request: HttpRequest) -> HttpResponse:
    """The password first, then a seed that is kept for a quarter of an hour."""
    if queries.authenticator(request.user):  # type: ignore[arg-type]  # signed in
        return see("account_home")
    form = forms.StartEnrolment(posted(request), request)
    if not form.is_valid():
        must = queries.must_have_factor(form.user)
        others = [(one.home_page, one.listed(form.user)) for one in factors.FACTORS] if must else []
        return show(request, form, "account/start_enrolment.html", must=must, others=others)
    keep_secret(request, ENROLLING, generate_totp_secret())
    return see("account_confirm_enrolment")


@own_page
def confirm_enrolment(request: HttpRequest) -> HttpResponse:
    """The seed as a picture and as text, until a code proves that the app has it."""
    seed = kept_secret(request, ENROLLING)
    if seed is None:
        return see("account_start_enrolment")
    form = forms.ConfirmEnrolment(posted(request))
    if form.is_valid():
        try:
            reserved = attempts.reserve("enrolment", str(request.user.pk), None)
            codes = services.enrol(
                request.user,  # type: ignore[arg-type]  # signed in
                seed,
                form.cleaned_data["code"],
                keep=own_session(request),
            )
            attempts.forgive(reserved)
        except Problem as problem:
            if problem.status not in (400, 409):
                raise
            form.add_error("code", problem.detail)
        else:
            del request.session[ENROLLING]
            request.session.cycle_key()
            record_authentication(request, request.user, method="mfa", type="totp")
            keep_secret(request, CODES, " ".join(codes))
            return see("account_recovery_codes")
    url = get_adapter().build_totp_url(request.user, seed)
    return show(request, form, "account/enrol.html", seed=seed, url=url, picture=qr(url))


@own_page
def renew_codes(request: HttpRequest) -> HttpResponse:
    """Ten new recovery codes."""
    form = forms.RenewCodes(posted(request), request)
    if not queries.is_protected(form.user):
        return see("account_start_enrolment")
    if not form.is_valid():
        return show(request, form)
    codes = services.renew_recovery_codes(form.user, keep=own_session(request))
    request.session.cycle_key()
    keep_secret(request, CODES, " ".join(codes))
    return see("account_recovery_codes")


@login_required
@require_http_methods(["GET"])
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """The codes, this once: afterwards only their digests exist."""
    codes = kept_secret(request, CODES)
    if codes is None:
        return see("account_home")
    del request.session[CODES]
    return render(request, "account/recovery_codes.html", {"codes": codes.split()})


@own_page
def remove_factor(request: HttpRequest) -> HttpResponse:
    """Password and code, and the second factor is gone."""
    form = forms.RemoveFactor(posted(request), request)
    if not queries.authenticator(form.user):
        return see("account_home")
    if not form.is_valid():
        return show(request, form, "account/remove_factor.html")
    try:
        services.remove_factor(form.user, keep=own_session(request))
    except Problem as problem:
        form.add_error(None, problem.detail)
        return show(request, form, "account/remove_factor.html")
    request.session.cycle_key()
    return see("account_home")


@login_required
@require_POST
def end_session(request: HttpRequest) -> HttpResponse:
    """Sign out one other browser, or all others."""
    form = forms.EndSession(posted(request))
    if form.is_valid():
        services.end_sessions(
            request.user,  # type: ignore[arg-type]  # signed in
            keep=own_session(request),
            only=form.cleaned_data["session"],
        )
    return see("account_home")


def keep_secret(request: HttpRequest, name: str, secret: str) -> None:
    """Keep a secret in the session for a while: a copy of the table must not hold it."""
    until = (timezone.now() + settings.LIFETIMES.sign_up).timestamp()
    request.session[name] = [get_adapter().encrypt(secret), until]


def kept_secret(request: HttpRequest, name: str) -> str | None:
    """It, while it is kept."""
    sealed, until = request.session.get(name, ("", 0))
    if timezone.now().timestamp() > until:
        return None
    return get_adapter().decrypt(sealed)
