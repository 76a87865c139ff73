"""A person signs in with a password and a second factor, and a stranger does not."""

import random
import time
from ipaddress import IPv6Address
from urllib.parse import quote
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
)
from django.test import Client

from apps.accounts.models import Session
from apps.accounts.services import Totp
from config.settings.security import Rate
from tests.cast import call

pytestmark = [pytest.mark.core]

LOGIN, FACTOR, HOME = "/accounts/login/", "/accounts/2fa/authenticate/", "/accounts/"
PASSWORD = "a long and quiet sentence"


def code_of(seed, steps=0):
    """What an authenticator app shows."""
    return format_hotp_value(hotp_value(seed, int(time.time()) // 30 + steps))


def sign_in(client, email, password=PASSWORD, **extra):
    """Send the form."""
    return client.post(LOGIN, {"login": email, "password": password}, secure=True, **extra)


@pytest.fixture
def clerk(acme):
    """Acme's clerk, with a password."""
    return able_to_sign_in(acme.clerk.user)


def able_to_sign_in(user):
    """With a password, and under an address of its own: the counters outlive a test."""
    user.email = f"clerk-{uuid4()}@acme.example"
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def seed(clerk):
    """The seed of the clerk's authenticator app."""
    seed = generate_totp_secret()
    Totp.activate(clerk, seed)
    return seed


def anywhere():
    """A network that no other test has tried from: the counters outlive a test."""
    return str(IPv6Address(random.getrandbits(128)))


@pytest.fixture
def browser(db):
    """A browser that has seen nothing yet."""
    return Client(raise_request_exception=False, REMOTE_ADDR=anywhere())


@pytest.mark.practice("AUTHN-12")
def test_the_cookies_are_for_this_host_alone_and_out_of_reach(browser, clerk):
    page = browser.get(LOGIN, secure=True)
    assert page.status_code == 200
    assert page["Referrer-Policy"] == "same-origin"
    assert "'nonce-" in page["Content-Security-Policy"]
    before = {name: morsel.value for name, morsel in browser.cookies.items()}
    signed_in = sign_in(browser, clerk.email)
    assert (signed_in.status_code, signed_in["Location"]) == (303, HOME)
    for name in ("__Host-session", "__Host-csrf"):
        cookie = browser.cookies[name]
        assert cookie["secure"]
        assert cookie["httponly"]
        assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Lax", "/", "")
        assert cookie.value != before.get(name)
    assert b"You are signed in as" in browser.get(HOME, secure=True).content


@pytest.mark.practice("AUTHN-01")
def test_a_session_opens_no_page_of_the_api_and_the_api_sets_no_cookie(browser, clerk):
    sign_in(browser, clerk.email)
    answer = call(browser, "GET", "customers")
    assert answer.status_code == 401
    assert not answer.cookies
    assert "cookie" not in answer.get("Vary", "").lower()


@pytest.mark.practice("AUTHN-08")
def test_a_person_with_a_second_factor_is_not_signed_in_by_the_password(browser, clerk, seed):
    assert sign_in(browser, clerk.email)["Location"].startswith(FACTOR)
    assert browser.get(HOME, secure=True)["Location"].startswith(LOGIN)
    wrong = browser.post(FACTOR, {"code": "000000"}, secure=True)
    assert b"This code is not right" in wrong.content
    code, before = code_of(seed), browser.cookies["__Host-session"].value
    assert browser.post(FACTOR, {"code": code}, secure=True).status_code == 303
    assert browser.cookies["__Host-session"].value != before
    assert browser.get(HOME, secure=True).status_code == 200
    again = Client(REMOTE_ADDR=anywhere())
    sign_in(again, clerk.email)
    assert again.post(FACTOR, {"code": code}, secure=True).status_code == 200  # used already
    assert again.get(HOME, secure=True).status_code == 302


@pytest.mark.practice("AUTHN-11")
def test_neither_the_seed_nor_the_session_stands_in_the_tables(browser, clerk, seed):
    sign_in(browser, clerk.email)
    assert seed not in str(list(Authenticator.objects.values_list("data", flat=True)))
    key = browser.cookies["__Host-session"].value
    assert Session.objects.count() == 1
    assert key not in str(list(Session.objects.values()))


@pytest.mark.practice("AUTHN-08")
def test_after_five_wrong_codes_the_factor_waits_and_the_owner_elsewhere_gets_in(
    browser, clerk, seed
):
    sign_in(browser, clerk.email)
    for _ in range(5):
        assert browser.post(FACTOR, {"code": "000000"}, secure=True).status_code == 200
    refused = browser.post(FACTOR, {"code": code_of(seed)}, secure=True)
    assert refused.status_code == 429
    assert 890 <= int(refused["Retry-After"]) <= 900
    assert browser.get(HOME, secure=True).status_code == 302
    owner = Client(REMOTE_ADDR=anywhere())
    sign_in(owner, clerk.email)
    assert owner.post(FACTOR, {"code": code_of(seed)}, secure=True).status_code == 303


@pytest.mark.practice("RATE-01")
def test_a_network_that_tries_many_accounts_is_told_to_wait(browser, settings, db):
    settings.RATES = settings.RATES | {"sign-in": Rate(3, 60)}
    answers = [sign_in(browser, f"person{n}@acme.example") for n in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[3]["Retry-After"]) <= 60


@pytest.mark.practice("X-15")
def test_a_wrong_password_and_an_unknown_address_look_alike(clerk, db):
    pages = []
    for email in (clerk.email, "nobody@acme.example"):
        page = sign_in(Client(REMOTE_ADDR=anywhere()), email, "wrong")
        text = page.content.decode().replace(email, "…")
        pages.append((page.status_code, len(text), "is not right" in text))
    assert pages[0] == pages[1]


@pytest.mark.practice("AUTHN-12")
def test_another_sites_form_signs_nobody_in_or_out(clerk, db):
    browser = Client(enforce_csrf_checks=True)
    assert sign_in(browser, clerk.email).status_code == 403
    assert browser.post("/accounts/logout/", secure=True).status_code == 403


@pytest.mark.practice("AUTHN-12")
def test_a_session_ends_when_idle_and_after_twelve_hours_anyway(browser, clerk, time_machine):
    time_machine.move_to("2026-11-22T12:00:00+00:00", tick=False)
    sign_in(browser, clerk.email)
    time_machine.shift(29 * 60)
    assert browser.get(HOME, secure=True).status_code == 200
    time_machine.shift(31 * 60)
    assert browser.get(HOME, secure=True).status_code == 302
    sign_in(browser, clerk.email)
    for _ in range(25):
        time_machine.shift(28 * 60)
        assert browser.get(HOME, secure=True).status_code == 200
    time_machine.shift(28 * 60)
    assert browser.get(HOME, secure=True).status_code == 302


def test_signing_out_ends_the_session_on_our_side_too(browser, clerk):
    sign_in(browser, clerk.email)
    stolen = Client()
    stolen.cookies["__Host-session"] = browser.cookies["__Host-session"].value
    assert stolen.get(HOME, secure=True).status_code == 200
    assert browser.post("/accounts/logout/", secure=True).status_code == 303
    assert stolen.get(HOME, secure=True).status_code == 302


@pytest.mark.practice("AUTHN-12")
@pytest.mark.parametrize(
    "next",
    [
        *("https://evil.example", "//evil.example", "javascript:alert(1)", "///evil.example"),
        *("/\\evil.example", "\\\\evil.example", "/\t/evil.example", " //evil.example"),
        *("https:evil.example", "http:///evil.example", "https://testserver@evil.example"),
        *("//testserver.evil.example", "https://testserver:444/", "http://testserver/", "data:,x"),
    ],
)
def test_nobody_is_sent_to_another_site_after_signing_in(browser, clerk, next):
    form = {"login": clerk.email, "password": PASSWORD, "next": next}
    answer = browser.post(f"{LOGIN}?next={quote(next)}", form, secure=True)
    assert (answer.status_code, answer["Location"]) == (303, HOME)


@pytest.mark.parametrize("path", ["email/", "password/set/", "password/change/", "reauthenticate/"])
def test_of_allauth_only_what_is_written_in_the_routes_exists(path, db):
    assert Client().get(f"/accounts/{path}", secure=True).status_code == 404


@pytest.mark.practice("AUTHN-08")
@pytest.mark.parametrize("steps", [-2, -1, 0, 1, 2])
def test_a_code_of_a_neighbouring_step_is_good_once_for_as_long_as_it_is_right(
    clerk, seed, steps, time_machine
):
    time_machine.move_to("2026-11-22T12:00:00+00:00", tick=False)
    code, good = code_of(seed, steps), abs(steps) <= 1
    for moment in (0, 30, 30):
        time_machine.shift(moment)
        browser = Client(REMOTE_ADDR=anywhere())
        sign_in(browser, clerk.email)
        answer = browser.post(FACTOR, {"code": code}, secure=True)
        assert (answer.status_code == 303) is good
        good = steps == 2 and moment == 0  # what was too early is right a step later
