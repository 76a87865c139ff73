"""In a real Chromium with an authenticator of its own: a person adds a passkey, signs in with it, uses
it as the second step, and removes it.
"""

import os
from base64 import b64encode

import pytest

from apps.passkeys.models import Passkey
from tests.apps.accounts.test_sign_in import PASSWORD
from tests.browser import opened
from tests.cast import make_tenant
from tests.live import served

pytestmark = [pytest.mark.core]

PICTURES = os.environ.get("PICTURES")  # a folder, for whoever wants to look


def keep(page, name):
    """A picture of the page, when somebody asked for it."""
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)


class Authenticator:
    """Chromium's own, over its debugging protocol; its owner agrees to all."""

    def __init__(self, page):
        self.session = page.context.new_cdp_session(page)
        self.session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        added = self.session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self.id = added["authenticatorId"]

    def tell(self, command, **more):
        """One command to it."""
        return self.session.send(f"WebAuthn.{command}", {"authenticatorId": self.id, **more})

    @property
    def credential(self):
        """The one it keeps."""
        [kept] = self.tell("getCredentials")["credentials"]
        return kept

    def turn_back(self):
        """As an older copy of itself."""
        kept = self.credential
        self.tell("clearCredentials")
        self.tell("addCredential", credential=kept | {"signCount": 0})


def sign_out(page):
    """By the button."""
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/accounts/login/")


def with_password(page, email):
    """The first step."""
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


@pytest.fixture
def clerk(committed):
    """Acme's clerk, with a password."""
    clerk = make_tenant("Acme").clerk.user
    clerk.set_password(PASSWORD)
    clerk.save()
    return clerk


@pytest.fixture
def origin(settings, clerk):
    """A running server under a name that browsers allow passkeys for."""
    with served(settings) as address:
        settings.SAAS_ORIGIN = address.replace("127.0.0.1", "localhost")
        settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
        yield settings.SAAS_ORIGIN


@pytest.mark.practice("AUTHN-09")
def test_a_person_uses_a_passkey_from_its_making_to_its_end(origin, clerk):
    with opened() as page:
        faults = []
        page.on("console", lambda said: faults.append(said.text) if "CSP" in said.text
                or "Content Security Policy" in said.text else None)  # fmt: skip
        device = Authenticator(page)
        page.goto(f"{origin}/accounts/login/")
        keep(page, "login")
        with_password(page, clerk.email)
        page.get_by_role("link", name="Add a passkey").click()
        page.get_by_label("Your password").fill(PASSWORD)
        page.get_by_role("button", name="Go on").click()
        page.get_by_label("Name of the passkey").fill("Blue phone")
        keep(page, "create")
        page.get_by_role("button", name="Create the passkey").click()
        page.get_by_role("link", name="I have kept them").click()
        keep(page, "home")
        assert "Blue phone" in page.inner_text("main")
        assert device.credential["userHandle"] == b64encode(clerk.pk.bytes).decode()
        assert clerk.email.encode() not in clerk.pk.bytes

        sign_out(page)
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.wait_for_url(f"{origin}/accounts/")
        assert clerk.email in page.inner_text("main")

        sign_out(page)
        with_password(page, clerk.email)
        keep(page, "second-step")
        page.get_by_role("button", name="Use a passkey").click()
        page.wait_for_url(f"{origin}/accounts/")

        page.get_by_role("link", name="Remove Blue phone").click()
        keep(page, "remove")
        page.get_by_role("button", name="Use a passkey").click()
        page.wait_for_url(f"{origin}/accounts/")
        assert "Blue phone" not in page.inner_text("main")

        sign_out(page)
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.wait_for_url("**/passkeys/sign-in/")
        keep(page, "refused")
        assert "was not accepted" in page.inner_text("main")
        assert faults == []
    assert not Passkey.objects.exists()


@pytest.mark.practice("AUTHN-09")
def test_the_wrong_hand_an_older_copy_and_another_origin_do_not_get_in(origin, clerk):
    with opened() as page:
        device = Authenticator(page)
        page.goto(f"{origin}/accounts/login/")
        with_password(page, clerk.email)
        page.goto(f"{origin}/accounts/passkeys/new/")
        page.get_by_label("Your password").fill(PASSWORD)
        page.get_by_role("button", name="Go on").click()
        page.get_by_label("Name of the passkey").fill("Blue phone")
        page.get_by_role("button", name="Create the passkey").click()
        page.get_by_role("link", name="I have kept them").click()
        sign_out(page)

        device.tell("setUserVerified", isUserVerified=False)
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.get_by_text("No passkey was shown").wait_for()
        keep(page, "not-shown")
        device.tell("setUserVerified", isUserVerified=True)

        page.goto(origin.replace("localhost", "127.0.0.1") + "/accounts/passkeys/sign-in/")
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.get_by_text("No passkey was shown").wait_for()  # the browser itself says no

        page.goto(f"{origin}/accounts/passkeys/sign-in/")
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.wait_for_url(f"{origin}/accounts/")
        sign_out(page)
        device.turn_back()
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.wait_for_url("**/passkeys/sign-in/")
        assert "was not accepted" in page.inner_text("main")
    assert Passkey.objects.get().suspected_at


def test_without_javascript_nothing_but_passwords_is_offered(origin, clerk):
    with opened() as first:
        page = first.context.browser.new_context(java_script_enabled=False).new_page()
        page.goto(f"{origin}/accounts/login/")
        assert not page.get_by_role("button", name="Sign in with a passkey").is_visible()
        with_password(page, clerk.email)
        page.goto(f"{origin}/accounts/passkeys/new/")
        page.get_by_label("Your password").fill(PASSWORD)
        page.get_by_role("button", name="Go on").click()
        assert page.get_by_text("Your browser cannot create passkeys").is_visible()
        keep(page, "without-javascript")
