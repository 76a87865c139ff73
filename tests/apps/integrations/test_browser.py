"""In a real Chromium: a person signs in, answers TOTP, and allows an app for one of two
organizations.
"""

import os
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from allauth.mfa.totp.internal.auth import generate_totp_secret

from apps.accounts.services import Totp
from apps.organizations.services import add_member
from saas.audit import trail
from saas.tenancy.binding import bind
from tests.apps.accounts.test_sign_in import PASSWORD, code_of
from tests.browser import opened
from tests.cast import make_tenant
from tests.live import served
from tests.oauth import CHALLENGE, VERIFIER, make_client

pytestmark = [pytest.mark.core]

PICTURES = os.environ.get("PICTURES")  # a folder, for whoever wants to look


def keep(page, name):
    """A picture of the page, when somebody asked for it."""
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png")


@pytest.mark.practice("X-12")
@pytest.mark.practice("AUTHN-08")
def test_a_person_connects_an_app_to_one_of_two_organizations(committed, settings):
    acme, globex = make_tenant("Acme"), make_tenant("Globex")
    clerk, seed = acme.clerk.user, generate_totp_secret()
    clerk.set_password(PASSWORD)
    clerk.save()
    Totp.activate(clerk, seed)
    with bind(globex.id), trail.recording():
        add_member(None, clerk, "viewer")
    app = make_client(acme, "customers:read")
    app.redirect_uris = "http://127.0.0.1/callback"
    app.save()
    with served(settings) as origin, opened() as page:
        faults = []
        page.on("console", lambda said: faults.append(said.text) if "CSP" in said.text
                or "Content Security Policy" in said.text else None)  # fmt: skip
        callback = f"{origin}/callback"
        asked = {"response_type": "code", "client_id": app.client_id, "redirect_uri": callback,
                 "scope": "customers:read", "state": "s", "code_challenge": CHALLENGE,
                 "code_challenge_method": "S256"}  # fmt: skip
        page.goto(f"{origin}/oauth/authorize?{urlencode(asked)}")
        keep(page, "sign-in")
        page.get_by_label("E-mail address").fill(clerk.email)
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Sign in", exact=True).click()
        assert page.get_by_role("alert").inner_text().endswith("is not right.")
        page.get_by_label("E-mail address").fill(clerk.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        keep(page, "second-factor")
        page.get_by_label("The six digits").fill(code_of(seed))
        page.get_by_role("button", name="Go on").click()
        keep(page, "consent")
        assert "customers:read" in page.inner_text("main")
        page.get_by_label("Globex").check()
        page.get_by_role("button", name="Allow", exact=True).click()
        page.wait_for_url(f"{callback}?*")
        told = {name: value[0] for name, value in parse_qs(urlsplit(page.url).query).items()}
        assert told.keys() == {"code", "state", "iss"}
        form = {"grant_type": "authorization_code", "client_id": app.client_id,
                "code": told["code"], "redirect_uri": callback,
                "code_verifier": VERIFIER}  # fmt: skip
        pair = requests.post(f"{origin}/oauth/token", data=form, timeout=10).json()
        headers = {"Authorization": f"Bearer {pair['access_token']}"}
        me = requests.get(f"{origin}/api/v1/me", headers=headers, timeout=10).json()
        assert me["organization"]["id"] == str(globex.id)
        assert me["role"] == "viewer"
        assert faults == []
