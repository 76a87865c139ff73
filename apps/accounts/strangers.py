"""A right password from a browser that nobody knows: while stolen ones are tried, or when it is a
leaked one, it opens nothing by itself, and who entered it is not told that it was right.
"""

from typing import Any, NamedTuple

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url
from allauth.mfa.stages import AuthenticateStage
from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from apps.accounts import passwords, queries, services, tasks
from apps.accounts.models import User
from saas.authentication import attempts, devices, events, stuffing
from saas.authentication.attempts import Try
from saas.crypto import digest, is_digest_of, random_text
from saas.edge.noticing import noticed

DOUBT = "doubt"  # in the session: whose password was entered here, right or wrong
CALM = stuffing.Seen(is_uneasy=False, is_under_way=False)


class Proved(NamedTuple):
    """Who entered a code, and as what it was accepted: None for the one of our letter."""

    user: User
    shown: str | None


def judge(request: HttpRequest, user: User | None, password: str, tried: Try) -> User | None:
    """The person, when their password is enough for the next step; None for one that is wrong, and
    for one that is right in vain. Those two answer alike and cost alike (X-15).
    """
    is_known = devices.is_settled(request, tried.name)
    seen = CALM if is_known else stuffing.count(tried.name, failed=user is None)
    is_listed = user is not None and passwords.is_listed(password)
    if user is not None and not is_listed and not seen.is_under_way:
        request.is_new_here = seen.is_uneasy  # type: ignore[attr-defined]  # devices reads it
        return user
    noticed(request, events.FAILED if user is None else events.STOPPED)
    if user is not None:  # axes keeps this as it keeps a wrong one
        user_login_failed.send(__name__, credentials={"email": tried.name}, request=request)
    if seen.is_under_way:
        doubt(request, user, tried, is_listed=is_listed)
    elif user is not None:
        tasks.tell_of_leaked.enqueue(str(user.pk))
    return None


def doubt(request: HttpRequest, user: User | None, tried: Try, *, is_listed: bool) -> None:
    """Ask this browser for a code. The letter is written by a worker, which is told of each try: so
    a stranger hears in no answer, and not in its time either, whether there was one to write.
    """
    code = random_text(services.DIGITS, "0123456789")
    person = str(user.pk) if user else None
    request.session[DOUBT] = {
        "user": None if is_listed else person,
        "tried": tried,
        "code": digest(code, purpose="doubt"),
        "until": (timezone.now() + settings.LIFETIMES.sign_up).timestamp(),
        "next": get_next_redirect_url(request),
    }
    request.is_doubted = True  # type: ignore[attr-defined]  # for the page
    if is_listed:
        tasks.tell_of_leaked.enqueue(person)
    else:
        tasks.tell_of_doubt.enqueue(person, code)


def asked(request: HttpRequest) -> dict[str, Any] | None:
    """What this browser is asked about, while it is."""
    held: dict[str, Any] = request.session.get(DOUBT, {"until": 0})
    return held if timezone.now().timestamp() < held["until"] else None


def proved(held: dict[str, Any], code: str) -> Proved | None:
    """Who has shown the code of the letter, or, who has a second factor, that one. The caller has
    counted the guess.
    """
    plain = "".join(filter(str.isalnum, code))
    is_ours = is_digest_of(held["code"], plain, purpose="doubt")
    user = queries.people().filter(pk=held["user"]).first()
    if user is None:
        return None
    if queries.is_protected(user):
        shown = services.accepts(user, code)
        return Proved(user, shown) if shown else None
    return Proved(user, None) if is_ours else None


def enter(request: HttpRequest, held: dict[str, Any], who: Proved) -> HttpResponse:
    """Sign them in, as after a right password."""
    del request.session[DOUBT]
    keys, *rest = held["tried"]
    attempts.forgive(Try(tuple(keys), *rest))
    login = Login(user=who.user, email=who.user.email, redirect_url=held["next"])
    record_authentication(request, who.user, method="password", email=who.user.email)
    if who.shown:
        record_authentication(request, who.user, "mfa", type=who.shown)
        login.state = {"stages": {AuthenticateStage.key: {"handled": True}}}
    response = perform_login(request, login)
    response.status_code = 303
    return response
