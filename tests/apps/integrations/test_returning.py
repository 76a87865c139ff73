"""A request that is refused right after signing in: the client hears of it, also in browsers that
hold the policy of a form against the redirects after it.
"""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from allauth.mfa.totp.internal.auth import generate_totp_secret

from apps.accounts.models import User
from apps.accounts.services import Totp
from tests.apps.accounts.test_sign_in import FACTOR, PASSWORD, able_to_sign_in, code_of, sign_in
from tests.browser import opened
from tests.cast import make_tenant
from tests.live import served
from tests.oauth import CALLBACK, CHALLENGE, make_client
from tests.pages import browser

pytestmark = [pytest.mark.core, pytest.mark.practice("X-12")]


def path_of(app, callback=CALLBACK, **more):
    """An authorization request."""
    asked = {"response_type": "code", "client_id": app.client_id, "redirect_uri": callback,
             "scope": "customers:read", "state": "s", "code_challenge": CHALLENGE,
             "code_challenge_method": "S256"}  # fmt: skip
    return f"/oauth/authorize?{urlencode(asked | more)}"


def ends(page):
    """Where the forms of a page may end."""
    policy = dict(part.split(" ", 1) for part in page["Content-Security-Policy"].split("; "))
    return policy["form-action"]


@pytest.mark.parametrize("has_factor", [False, True])
def test_a_person_who_belongs_nowhere_is_sent_back_to_the_client(committed, settings, has_factor):
    app = make_client(make_tenant("Acme"), "customers:read")
    app.redirect_uris = "http://127.0.0.1/callback"
    app.save()
    stranger, seed = able_to_sign_in(User(email="x")), generate_totp_secret()
    if has_factor:
        Totp.activate(stranger, seed)
    with served(settings) as ours, served(settings) as theirs, opened() as page:
        page.goto(ours + path_of(app, f"{theirs}/callback"))
        page.get_by_label("E-mail address").fill(stranger.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        if has_factor:
            page.get_by_label("The six digits").fill(code_of(seed))
            page.get_by_role("button", name="Go on").click()
        page.wait_for_url(f"{theirs}/callback?*", timeout=5000)
        told = parse_qs(urlsplit(page.url).query)
        assert (told["error"], told["state"]) == (["access_denied"], ["s"])


def test_the_pages_that_sign_in_name_the_client_whose_request_waits_and_no_other(acme):
    app = make_client(acme, "customers:read")
    clerk = able_to_sign_in(acme.clerk.user)
    Totp.activate(clerk, generate_totp_secret())
    client = browser()
    page = client.get(path_of(app), secure=True, follow=True)
    assert ends(page) == "'self' https://app.example"
    form = {"login": clerk.email, "password": "wrong", "next": path_of(app)}
    assert ends(client.post("/accounts/login/", form, secure=True)) == "'self' https://app.example"
    client.post("/accounts/login/", form | {"password": PASSWORD}, secure=True)
    assert ends(client.get(FACTOR, secure=True)) == "'self' https://app.example"
    assert ends(client.get("/accounts/password/reset/", secure=True)) == "'self'"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.replace("app.example", "evil.example"),
        lambda path: path.replace("client_id=", "client_id=x"),
        lambda path: path.replace("client_id=", "client_id=%00"),
        lambda path: path.replace("redirect_uri=", "x="),  # registered, and so the only one
        lambda path: path.replace("/oauth/authorize", "/accounts/"),
        lambda path: f"https://evil.example{path}",
        lambda path: f"//evil.example{path}",
    ],
)
def test_whatever_else_is_written_there_widens_nothing(acme, spoil):
    path = spoil(path_of(make_client(acme, "customers:read")))
    page = browser().get(f"/accounts/login/?{urlencode({'next': path})}", secure=True)
    assert page.status_code == 200
    registered = "x=https" in path
    assert ends(page) == ("'self' https://app.example" if registered else "'self'")


@pytest.mark.parametrize(
    ("port", "widens"),
    [("", True), (":1", True), (":65535", True), (":1;frame-ancestors *", False), (": x", False)],
)
def test_a_port_of_loopback_is_a_number_and_no_further_directive(acme, port, widens):
    app = make_client(acme, "customers:read")
    app.redirect_uris = "http://127.0.0.1/callback"
    app.save()
    path = path_of(app, f"http://127.0.0.1{port}/callback")
    page = browser().get(f"/accounts/login/?{urlencode({'next': path})}", secure=True)
    assert ends(page) == (f"'self' http://127.0.0.1{port}" if widens else "'self'")
    assert "frame-ancestors *" not in page["Content-Security-Policy"]


def test_without_a_request_the_forms_end_here(acme):
    sign_in(client := browser(), able_to_sign_in(acme.clerk.user).email, "wrong")
    assert ends(client.get("/accounts/login/", secure=True)) == "'self'"
