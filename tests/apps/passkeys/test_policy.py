"""An organization that asks for passkeys takes no token that a password got, from the next request on."""

from html import escape
from urllib.parse import parse_qs, urlsplit

import pytest

from apps.integrations.models import OAuthGrant
from apps.organizations.services import add_member
from saas.audit import trail
from saas.tenancy.binding import bind
from tests.apps.accounts.test_sign_in import FACTOR, sign_in
from tests.apps.integrations.test_consent import READ, told, url
from tests.apps.passkeys.device import SIGN_IN, asked, codes_on, show, with_passkey
from tests.oauth import Holder, exchange, make_client, make_service, person, refresh, service_token
from tests.pages import browser, is_in, post, signed_in

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHN-09")]
CHALLENGE = (
    'Bearer realm="https://api.strongroom.example", '
    'error="insufficient_user_authentication", '
    'error_description="This organization asks its people to sign in with a passkey.", '
    'acr_values="phr"'
)


@pytest.fixture
def app(acme):
    """A public client of Acme."""
    return make_client(acme, READ)


def ask_for_passkeys(tenant, is_on=True):
    """Turn the switch, with a key."""
    answer = tenant.owner.patch("security-policy", {"require_phishing_resistant": is_on})
    assert answer.status_code == 200, answer.content


def allow(client, app, tenant):
    """The person's yes, for this organization."""
    form = {"decision": "allow", "organization": str(tenant.id)}
    return client.post(url(app), form, secure=True)


def tokens(client, app, tenant):
    """What the person's yes gives the client."""
    return exchange(app, told(allow(client, app, tenant))["code"]).json()


def customers(pair):
    """One call with an access token."""
    return Holder(pair["access_token"]).get("customers")


def test_tokens_of_a_password_are_refused_and_those_of_a_passkey_are_good(acme, app):
    clerk = acme.clerk.user
    by_password = tokens(signed_in(clerk), app, acme)
    device = with_passkey(clerk)
    client = browser()
    show(client, device)
    by_passkey = tokens(client, app, acme)
    assert customers(by_password).status_code == customers(by_passkey).status_code == 200
    ask_for_passkeys(acme)
    refused = customers(by_password)
    assert (refused.status_code, refused.json()["code"]) == (401, "step-up-required")
    assert refused["WWW-Authenticate"] == CHALLENGE
    assert customers(by_passkey).status_code == 200
    late = refresh(app, by_password["refresh_token"])
    assert (late.status_code, late.json()["error"]) == (400, "invalid_grant")
    assert customers(refresh(app, by_passkey["refresh_token"]).json()).status_code == 200
    ask_for_passkeys(acme, is_on=False)
    assert customers(refresh(app, by_password["refresh_token"]).json()).status_code == 200
    assert customers(tokens(client, app, acme)).status_code == 200


def test_a_code_of_an_app_or_of_recovery_is_not_enough_and_a_passkey_after_the_password_is(
    acme, app
):
    clerk = acme.clerk.user
    device = with_passkey(clerk)
    by_code, by_passkey = signed_in_by_code(clerk, device), browser()
    sign_in(by_passkey, clerk.email)
    show(by_passkey, device, "passkeys/second-step/")
    ask_for_passkeys(acme)
    assert is_in(by_code)
    assert allow(by_code, app, acme)["Location"].startswith("/accounts/passkeys/sign-in/?next=")
    assert customers(tokens(by_passkey, app, acme)).status_code == 200


def test_the_consent_page_leads_to_a_passkey_and_back(acme, app):
    clerk = acme.clerk.user
    device = with_passkey(clerk)
    client = signed_in_by_code(clerk, device)
    ask_for_passkeys(acme)
    away = allow(client, app, acme)
    assert (away.status_code, OAuthGrant.objects.count()) == (303, 0)
    [back] = parse_qs(urlsplit(away["Location"]).query)["next"]
    assert back == url(app)
    page = client.get(away["Location"], secure=True).content.decode()
    assert "asks for a passkey" in page
    assert f'value="{escape(back)}"' in page
    answer = post(client, SIGN_IN, passkey=device.get(asked(client)), next=back)
    assert (answer.status_code, answer["Location"]) == (303, back)
    assert customers(tokens(client, app, acme)).status_code == 200


def test_a_request_that_takes_passkeys_alone_leads_there_at_once_and_once(acme, app):
    clerk, asks = acme.clerk.user, url(app, acr_values="phr")
    device = with_passkey(clerk)
    stranger, by_code = browser(), signed_in_by_code(clerk, device)
    for client in (stranger, by_code):
        away = client.get(asks, secure=True)
        assert (away.status_code, away["Location"].partition("?")[0]) == (
            303,
            "/accounts/passkeys/sign-in/",
        )
        page = client.get(away["Location"], secure=True).content.decode()
        assert "asks for a passkey" in page
        assert "second factor" not in page
        answer = post(client, SIGN_IN, passkey=device.get(asked(client)), next=asks)
        assert answer["Location"] == asks
        assert client.get(asks, secure=True).status_code == 200
    fresh = url(app, acr_values="phr", max_age="0")
    assert stranger.get(fresh, secure=True)["Location"].startswith("/accounts/passkeys/sign-in/")
    post(stranger, SIGN_IN, passkey=device.get(asked(stranger)), next=fresh)
    assert stranger.get(fresh, secure=True).status_code == 200
    either = url(app, acr_values="phr aal2")
    assert signed_in_by_code(clerk, device).get(either, secure=True).status_code == 200


def signed_in_by_code(user, device):
    """A browser that a password and a recovery code have opened."""
    proved = browser()
    show(proved, device)
    post(proved, "2fa/codes/new/", passkey=device.get(asked(proved)))
    client = browser()
    sign_in(client, user.email)
    client.post(FACTOR, {"code": codes_on(proved)[0]}, secure=True)
    assert is_in(client)
    return client


def test_another_organization_of_the_same_person_is_as_free_as_ever(acme, globex, app):
    clerk = acme.clerk.user
    with bind(globex.id), trail.recording():
        add_member(None, clerk, "viewer")
    ask_for_passkeys(acme)
    client = signed_in(clerk)
    assert customers(tokens(client, app, globex)).status_code == 200
    assert "passkeys" in allow(client, app, acme)["Location"]
    for chosen in ("", "x", "00000000-0000-7000-8000-000000000000"):
        form = {"decision": "allow", "organization": chosen}
        assert client.post(url(app), form, secure=True).status_code == 400
    denied = client.post(url(app), {"decision": "deny", "organization": str(acme.id)}, secure=True)
    assert told(denied)["error"] == "access_denied"
    assert browser().post(url(app), {"decision": "allow"}, secure=True).status_code == 302


def test_machines_are_not_asked_for_a_passkey(acme):
    ask_for_passkeys(acme)
    assert acme.accountant.get("customers").status_code == 200
    client = make_service(acme, READ)
    pair = service_token(client, READ).json()
    assert customers(pair).status_code == 200


def test_nobody_turns_it_on_who_does_not_meet_it(acme):
    answer = person(acme.owner).call(
        "PATCH", "security-policy", {"require_phishing_resistant": True}
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "step-up-required")
    assert acme.owner.get("security-policy").json()["require_phishing_resistant"] is False
    for wrong in (1, "true", None, []):
        bad = acme.owner.patch("security-policy", {"require_phishing_resistant": wrong})
        assert bad.status_code == 400
