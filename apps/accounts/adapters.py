"""Where allauth and axes meet our own rooms: limits before secrets, secrets under a key."""

from base64 import b64decode, b64encode
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from axes.handlers.database import AxesDatabaseHandler
from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.http import url_has_allowed_host_and_scheme

from apps.accounts import factors, strangers
from apps.accounts.models import User
from saas.authentication import attempts
from saas.custody import lock, unlock
from saas.edge.address import client_ip
from saas.errors import Problem, problem_response
from saas.persistence import letters

FACTOR = b"second-factor"


class Accounts(DefaultAccountAdapter):
    """Signing in with an address and a password."""

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """The person, or None. The attempt is counted before the password is hashed, for an
        address that nobody has too; a right password that is in doubt counts as a wrong one.
        """
        name = str(credentials.get("email") or "")
        attempts.count_network(request, "sign-in", name=name)
        tried = attempts.reserve("account", name, request, signs_in=True)
        user = authenticate(request, **credentials)
        if not request.user.is_authenticated:  # else a form asks again who is there
            user = strangers.judge(request, user, credentials["password"], tried)
        if user is None:
            attempts.missed(tried)
        else:
            attempts.forgive(tried)
        return user

    def get_client_ip(self, request: HttpRequest) -> str:
        """As everywhere."""
        return ip_of(request)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """What allauth itself has to say goes by the one door of our letters. No page that exists
        here asks for it; one that is added later must not find another way out.
        """
        about = {"email": email, "current_site": {"name": "Strongroom"}}
        letter = self.render_mail(template_prefix, email, about | context)
        letters.post(to=email, subject=letter.subject, text=str(letter.body))

    def is_safe_url(self, url: str | None) -> bool:
        """After signing in people go on to a path of ours. allauth would take any allowed host, and
        in clear: a link with our own name at its front would lead away.
        """
        return url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Not by allauth's own form: whoever signs up founds an organization or accepts an
        invitation.
        """
        return False


class SecondFactors(DefaultMFAAdapter):
    """TOTP seeds stand under the key-encryption key: a stolen table makes no codes."""

    def is_mfa_enabled(self, user: Any, types: Any = None) -> bool:
        """Whether there is anything beside the password: it is asked for then."""
        return super().is_mfa_enabled(user, types) or bool(factors.of(user))

    def encrypt(self, text: str) -> str:
        """What a session keeps of a seed, while nobody has shown a code of it."""
        return b64encode(lock(text.encode(), FACTOR)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """The seed."""
        return unlock(b64decode(encrypted_text), FACTOR).decode()


def ip_of(request: HttpRequest) -> str:
    """The client's address, for axes and allauth."""
    return str(client_ip(request))


class FailedSignIns(AxesDatabaseHandler):
    """axes keeps what was typed, but for a list of names: the next password of somebody who
    mistyped the present one stood in no list (AUTHN-11). So it is shown no form.
    """

    def user_login_failed(
        self, sender: Any, credentials: Any, request: Any = None, **kwargs: Any
    ) -> None:
        """Record who, from where and when."""
        query, form = request.GET, request.POST
        request.GET = request.POST = QueryDict()
        try:
            super().user_login_failed(sender, credentials, request, **kwargs)
        finally:
            request.GET, request.POST = query, form


def locked_out(
    request: HttpRequest, original_response: Any = None, credentials: Any = None
) -> HttpResponse:
    """What axes answers when the second net holds."""
    problem = Problem(
        "rate-limited", "Too many attempts. Try again later.", headers={"Retry-After": "900"}
    )
    return problem_response(problem, request)
