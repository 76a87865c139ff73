"""Whether an address has an account, or a key was ever made, shows in no answer: not in its bytes,
not in its headers, not in the work behind it and not in the time that it takes.
"""

from functools import cache
from time import perf_counter
from uuid import uuid4

import pytest
from django.conf import settings as conf
from django.contrib.auth.hashers import Argon2PasswordHasher, MD5PasswordHasher, make_password
from django.utils import timezone

from apps.accounts.models import User
from apps.integrations.models import ApiKey
from saas.authentication.keys import mint
from saas.tenancy.binding import bind
from tests.apps.accounts.test_sign_in import sign_in
from tests.cast import call, make_key
from tests.pages import NEW, browser, post

pytestmark = [pytest.mark.core]

PAIRS = 5
QUESTIONS = ("sign-in", "reset", "sign-up", "invitation", "key")


class Dear(Argon2PasswordHasher):
    """Production's hash, at a price that stands out in a request and leaves the suite some time."""

    time_cost, memory_cost, parallelism = 1, 65_536, 1


def address():
    """One that nobody has, of one length with all others."""
    return f"{uuid4()}@nobody.example"


@cache
def hashed(hasher):
    """A password as this hasher keeps it."""
    return make_password(NEW)


def of_somebody():
    """One that has an account."""
    user = User(email=address(), password=hashed(conf.PASSWORD_HASHERS[0]))
    user.save()
    return user.email


def revoked_key(acme):
    """The secret of a key that was made once."""
    key, secret = make_key(acme.id, acme.clerk.user, [])
    with bind(acme.id):
        ApiKey.objects.filter(pk=key.pk).update(revoked_at=timezone.now())
    return secret


@pytest.fixture
def ask(acme, globex):
    """Prepare a question about something that exists, or about something that does not; what is
    given sends it.
    """

    def prepared(question, known):
        client = browser()
        if question == "key":
            secret = revoked_key(acme) if known else mint().secret
            return lambda: call(client, "GET", "customers", **{"X-API-Key": secret})
        email = of_somebody() if known else address()
        if question == "sign-in":
            return lambda: sign_in(client, email, "wrong")
        if question == "reset":
            return lambda: post(client, "password/reset/", email=email)
        if question == "sign-up":
            form = {"email": email, "organization": "Initech", "password": NEW}
            return lambda: post(client, "signup/", **form)
        return lambda: globex.owner.post("invitations", {"email": email})

    return prepared


VARIES = {
    "X-Request-Id",
    "Location",
    "ETag",
    "Expires",  # the moment of the answer
    "Content-Length",
    "Content-Security-Policy",
}


@pytest.mark.practice("X-15")
@pytest.mark.parametrize("question", QUESTIONS)
def test_the_answers_are_alike_in_status_length_and_headers(ask, question):
    known, unknown = (ask(question, one)() for one in (True, False))
    assert known.status_code == unknown.status_code
    assert abs(len(known.content) - len(unknown.content)) <= 2  # a second has one digit or two
    assert known.headers.keys() == unknown.headers.keys()
    for name in known.headers.keys() - VARIES - {"RateLimit"}:
        assert known[name] == unknown[name], name
    assert known.cookies.keys() == unknown.cookies.keys()


@pytest.mark.practice("X-15")
@pytest.mark.parametrize(
    ("question", "hashes"), [("sign-in", 1), ("reset", 0), ("sign-up", 1), ("key", 0)]
)
def test_the_answers_cost_the_same_hashes(ask, question, hashes, monkeypatch):
    made, encode = [], MD5PasswordHasher.encode
    sent = [ask(question, known) for known in (True, False)]
    monkeypatch.setattr(
        MD5PasswordHasher, "encode", lambda *a, **k: made.append(1) or encode(*a, **k)
    )
    for number, send in enumerate(sent, 1):
        send()
        assert len(made) == hashes * number


@pytest.mark.practice("X-15")
@pytest.mark.parametrize("question", QUESTIONS)
def test_the_answers_take_the_same_time(ask, question, settings):
    settings.PASSWORD_HASHERS = [f"{__name__}.Dear"]
    took = {True: [], False: []}
    for _ in range(PAIRS):  # by turns, so that what else the machine does strikes both
        for known in (True, False):
            send = ask(question, known)
            start = perf_counter()
            send()
            took[known].append(perf_counter() - start)
    assert 0.4 < min(took[True]) / min(took[False]) < 2.5
