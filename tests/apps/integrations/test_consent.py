"""The consent page: a person is asked, always, and nobody is sent where no client registered."""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.organizations.services import add_member
from saas.audit import trail
from saas.audit.models import AuditEntry
from saas.tenancy.binding import bind
from tests.cast import call
from tests.oauth import CALLBACK, CHALLENGE, bearer, exchange, make_client

pytestmark = [pytest.mark.core]

READ = "customers:read"


def url(client, **changes):
    """An authorization request; a change to None leaves a parameter out."""
    asked = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": CALLBACK,
        "scope": READ,
        "state": "xyz",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    } | changes
    return "/oauth/authorize?" + urlencode({k: v for k, v in asked.items() if v is not None})


def browser_of(user):
    """A browser in which a person is signed in."""
    client = Client(raise_request_exception=False)
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def told(answer):
    """What the client is told, at the address that it registered."""
    assert answer.status_code == 303, answer.content
    assert answer["Location"].startswith(CALLBACK + "?")
    return {name: value[0] for name, value in parse_qs(urlsplit(answer["Location"]).query).items()}


@pytest.fixture
def app(acme):
    """A public client of Acme."""
    return make_client(acme, READ, "invoices:read")


@pytest.fixture
def browser(acme):
    """The browser of Acme's clerk."""
    return browser_of(acme.clerk.user)


@pytest.mark.practice("X-12")
def test_the_page_names_client_organization_scopes_and_lifetime(acme, app, browser):
    answer = browser.get(url(app), secure=True)
    text = answer.content.decode()
    for part in (app.name, "Acme", READ, "7 days", "app.example", acme.clerk.user.email):
        assert part in text
    assert "invoices:read" not in text
    assert "form-action 'self' https://app.example" in answer["Content-Security-Policy"]
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.practice("X-12")
@pytest.mark.parametrize("more", [{}, {"approval_prompt": "auto"}, {"prompt": "none"}])
def test_the_person_is_asked_every_time_and_the_code_is_for_what_they_chose(
    acme, globex, app, browser, more
):
    with bind(globex.id), trail.recording():
        add_member(None, acme.clerk.user, "viewer")
    for organization in (acme, globex):
        asked = url(app, **more)
        assert b"Allow" in browser.get(asked, secure=True).content
        form = {"decision": "allow", "organization": str(organization.id)}
        answer = told(browser.post(asked, form, secure=True))
        assert answer.keys() == {"code", "state", "iss"}
        assert answer["iss"] == "https://api.strongroom.example"
        assert answer["state"] == "xyz"
        token = exchange(app, answer["code"]).json()["access_token"]
        me = call(Client(), "GET", "me", **bearer(token)).json()
        assert me["organization"]["id"] == str(organization.id)
        with bind(organization.id):
            entry = AuditEntry.objects.filter(event="oauth-grant.approved").get()
        assert entry.data["scopes"] == [READ]


@pytest.mark.practice("X-12")
def test_who_says_no_or_belongs_to_nobody_sends_the_client_away(acme, app, browser):
    answer = told(browser.post(url(app), {"decision": "deny"}, secure=True))
    assert (answer["error"], answer["iss"]) == ("access_denied", "https://api.strongroom.example")
    mallory = browser_of(User.objects.create_user("mallory@nowhere.example"))
    assert told(mallory.get(url(app), secure=True))["error"] == "access_denied"


@pytest.mark.practice("X-12")
@pytest.mark.practice("AUTHZ-02")
def test_nobody_allows_anything_for_an_organization_that_is_not_theirs(acme, globex, app, browser):
    for id in (globex.id, "", "nonsense"):
        form = {"decision": "allow", "organization": str(id)}
        assert browser.post(url(app), form, secure=True).status_code == 400
    private = make_client(acme, READ, is_private=True)
    theirs = browser_of(globex.owner.user)
    assert told(theirs.get(url(private), secure=True))["error"] == "access_denied"
    assert b"Globex" in theirs.get(url(app), secure=True).content


def test_who_is_not_signed_in_signs_in_first_and_comes_back(app):
    answer = Client().get(url(app), secure=True)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/?next=/oauth/authorize")


@pytest.mark.practice("AUTHN-02")
@pytest.mark.parametrize(
    "change",
    [
        {"redirect_uri": CALLBACK + "/"},
        {"redirect_uri": CALLBACK + "?x=1"},
        {"redirect_uri": CALLBACK + "#f"},
        {"redirect_uri": CALLBACK + ";p"},
        {"redirect_uri": "https://app.example:444/callback"},
        {"redirect_uri": "https://x@app.example/callback"},
        {"redirect_uri": "http://app.example/callback"},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": "javascript:alert(1)"},
        {"client_id": "nobody"},
        {"client_id": "nul\x00"},
        {"client_id": None},
        {"state": "a\nb"},
    ],
)
def test_without_a_registered_redirect_uri_nobody_is_sent_anywhere(app, browser, change):
    answer = browser.get(url(app, **change), secure=True)
    assert answer.status_code == 400
    assert "Location" not in answer
    assert answer["Content-Type"].startswith("text/html")


@pytest.mark.practice("AUTHN-02")
@pytest.mark.practice("X-10")
@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "S512"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "nonsense"}, "invalid_scope"),
        ({"scope": "customers:write"}, "invalid_scope"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
    ],
)
def test_what_is_wrong_otherwise_is_told_to_the_client_with_our_name(app, browser, change, error):
    for method in (browser.get, browser.post):
        answer = told(method(url(app, **change), secure=True))
        assert (answer["error"], answer["state"]) == (error, "xyz")
        assert answer["iss"] == "https://api.strongroom.example"


@pytest.mark.practice("AUTHN-12")
def test_another_sites_form_allows_nothing(acme, app):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(
        acme.clerk.user, backend="allauth.account.auth_backends.AuthenticationBackend"
    )
    form = {"decision": "allow", "organization": str(acme.id)}
    assert browser.post(url(app), form, secure=True).status_code == 403


@pytest.mark.practice("AUTHN-02")
def test_a_native_app_may_listen_on_any_port_of_its_own_machine(acme, browser):
    app = make_client(acme, READ)
    app.redirect_uris = "http://127.0.0.1/callback"
    app.save()
    asked = url(app, redirect_uri="http://127.0.0.1:51004/callback")
    form = {"decision": "allow", "organization": str(acme.id)}
    answer = browser.post(asked, form, secure=True)
    assert answer["Location"].startswith("http://127.0.0.1:51004/callback?code=")
    for other in ("http://127.0.0.1:51004/other", "http://localhost:51004/callback",
                  "https://127.0.0.1:51004/callback", "http://127.0.0.1.evil.example/callback",
                  "http://127.0.0.1@evil.example/callback"):  # fmt: skip
        assert browser.get(url(app, redirect_uri=other), secure=True).status_code == 400


@pytest.mark.practice("AUTHN-02")
def test_a_port_that_was_registered_is_the_port(acme, browser):
    app = make_client(acme, READ)
    app.redirect_uris = "http://127.0.0.1:8765/callback"
    app.save()
    right = url(app, redirect_uri="http://127.0.0.1:8765/callback")
    assert browser.get(right, secure=True).status_code == 200
    for other in ("http://127.0.0.1:8766/callback", "http://127.0.0.1/callback"):
        refused = browser.get(url(app, redirect_uri=other), secure=True)
        assert (refused.status_code, "Location" in refused) == (400, False)
