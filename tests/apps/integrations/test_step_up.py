"""A sensitive act asks who is there: the client is told to have the person sign in again, does so, and
the act succeeds (RFC 9470).
"""

import re
from datetime import timedelta

import pytest
from allauth.mfa.totp.internal.auth import generate_totp_secret
from django.utils import timezone

from apps.accounts.services import Totp, make_recovery_codes
from apps.integrations.models import ApiKey, OAuthAccessToken
from saas.tenancy.binding import bind
from tests.apps.accounts.test_sign_in import PASSWORD
from tests.apps.integrations.test_consent import told, url
from tests.cast import call
from tests.oauth import bearer, exchange, make_client, refresh, tokens_for
from tests.pages import browser, post, signed_in, signed_in_by_two

pytestmark = [pytest.mark.core]

KEYS, READ = "api-keys:write", "customers:read"
CHALLENGE = re.compile(
    r'Bearer realm="[^"]+", error="insufficient_user_authentication", error_description="[^"]+", '
    r'acr_values="(?P<acr_values>\w+)", max_age="(?P<max_age>\d+)"'
)


@pytest.fixture
def app(acme):
    """A public client of Acme."""
    return make_client(acme, KEYS, READ)


@pytest.fixture
def asked(app):
    """An authorization request; what is given comes on top."""
    return lambda **more: url(app, scope=f"{READ} {KEYS}", **more)


def make_key(token, body=None):
    """Make a key with a token."""
    body = {"name": "by a person"} if body is None else body
    return call(browser(), "POST", "api-keys", body, **bearer(token))


def allowed(client, app, acme, path):
    """The tokens that the client has in the end."""
    form = {"decision": "allow", "organization": str(acme.id)}
    return exchange(app, told(client.post(path, form, secure=True))["code"]).json()


def sign_in_on(client, user, answer):
    """Follow a redirect to the page of sign-in, answer both factors, and give where that leads."""
    assert answer["Location"].startswith("/accounts/login/?next=")
    page = client.get(answer["Location"], secure=True)
    onward = re.search(r'name="next" value="([^"]+)"', page.content.decode())[1]
    form = {"login": user.email, "password": PASSWORD, "next": onward.replace("&amp;", "&")}
    step = client.post(answer["Location"], form, secure=True)
    code = make_recovery_codes(user)[0]
    return client.post(step["Location"], {"code": code}, secure=True)["Location"]


@pytest.mark.practice("X-26")
@pytest.mark.practice("AUTHN-12")
def test_the_client_is_told_what_to_ask_for_asks_and_the_act_succeeds(
    acme, app, asked, time_machine
):
    time_machine.move_to("2026-11-22T12:00:00+00:00", tick=False)
    owner = acme.owner.user
    client = signed_in_by_two(owner)
    time_machine.shift(1200)  # twenty minutes at the desk
    refused = make_key(allowed(client, app, acme, asked())["access_token"])
    assert (refused.status_code, refused.json()["code"]) == (401, "step-up-required")
    demand = CHALLENGE.fullmatch(refused["WWW-Authenticate"]).groupdict()
    before, path = client.cookies["__Host-session"].value, asked(**demand)
    back = sign_in_on(client, owner, client.get(path, secure=True))
    assert back == path
    assert client.cookies["__Host-session"].value != before
    stolen = browser()
    stolen.cookies["__Host-session"] = before
    assert stolen.get("/accounts/", secure=True).status_code == 302
    time_machine.shift(60)
    assert make_key(allowed(client, app, acme, back)["access_token"]).status_code == 201
    time_machine.shift(900)
    assert client.get(asked(**demand), secure=True)["Location"].startswith("/accounts/login/")


@pytest.mark.practice("X-26")
def test_a_token_is_fresh_for_a_quarter_of_an_hour_and_a_refresh_is_no_sign_in(
    acme, app, time_machine
):
    time_machine.move_to("2026-11-22T12:00:00+00:00", tick=False)
    pair = tokens_for(acme.owner, KEYS, READ, client=app)
    time_machine.shift(899)
    assert make_key(pair["access_token"]).status_code == 201
    time_machine.shift(1)
    pair = refresh(app, pair["refresh_token"]).json()
    assert make_key(pair["access_token"]).status_code == 401
    customers = call(browser(), "GET", "customers", **bearer(pair["access_token"]))
    assert customers.status_code == 200


@pytest.mark.practice("X-26")
def test_the_role_comes_first_then_the_sign_in_then_the_body(acme, app):
    stale = {"auth_time": timezone.now() - timedelta(hours=1)}
    for member, scope, status in (
        (acme.owner, READ, 403),
        (acme.clerk, KEYS, 403),
        (acme.owner, KEYS, 401),
    ):
        token = tokens_for(member, scope, client=app, proved=stale)["access_token"]
        assert make_key(token, b"{").status_code == status
    fresh = tokens_for(acme.owner, KEYS, client=app)["access_token"]
    assert make_key(fresh, b"{").status_code == 400
    with bind(acme.id):
        assert not ApiKey.objects.filter(name="by a person").exists()


@pytest.mark.practice("X-26")
def test_a_key_has_nobody_to_ask_and_a_token_that_knows_of_no_sign_in_is_stale(acme, app):
    assert acme.owner.post("api-keys", {"name": "by a key"}).status_code == 201
    token = tokens_for(acme.owner, KEYS, client=app)["access_token"]
    OAuthAccessToken.objects.update(auth_time=None, acr="")
    assert make_key(token).status_code == 401


@pytest.mark.practice("X-26")
@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"acr_values": "aal2"}, "unmet_authentication_requirements"),
        ({"acr_values": "gold"}, "unmet_authentication_requirements"),
        ({"acr_values": "gold aal2"}, "unmet_authentication_requirements"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": ""}, "invalid_request"),
        ({"acr_values": "aal2 aal1"}, None),
        ({"acr_values": "aal1", "max_age": "900"}, None),
        ({"acr_values": " "}, None),
    ],
)
def test_what_a_person_without_a_second_factor_can_give(acme, app, more, error):
    client = signed_in(acme.clerk.user)
    answer = client.get(url(app, **more), secure=True)
    if error is None:
        assert answer.status_code == 200
        pair = allowed(client, app, acme, url(app, **more))
        assert OAuthAccessToken.objects.get().acr == "aal1"
        assert make_key(pair["access_token"]).status_code == 403
    else:
        assert told(answer)["error"] == error


@pytest.mark.practice("X-26")
def test_who_has_a_factor_and_has_not_shown_it_here_signs_in_with_it(acme, app):
    clerk = acme.clerk.user
    client = signed_in(clerk)
    Totp.activate(clerk, generate_totp_secret())  # elsewhere
    path = url(app, acr_values="aal2")
    assert sign_in_on(client, clerk, client.get(path, secure=True)) == path
    allowed(client, app, acme, path)
    assert OAuthAccessToken.objects.get().acr == "aal2"


@pytest.mark.practice("X-26")
def test_max_age_of_nothing_asks_each_time_and_once(acme, app):
    clerk = acme.clerk.user
    client = browser()
    signed_in(clerk)
    path = url(app, max_age="0")
    for _ in range(2):
        first = client.get(path, secure=True)
        assert first["Location"].startswith("/accounts/login/?next=")
        form = {"login": clerk.email, "password": PASSWORD, "next": path}
        assert post(client, "login/", **form)["Location"] == path
        assert client.get(path, secure=True).status_code == 200
        allowed(client, app, acme, path)
