"""In a real Chromium: somebody signs up and sets up a second factor; somebody else is invited."""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.organizations.queries import memberships_of
from tests import pages
from tests.apps.accounts.test_sign_in import code_of
from tests.browser import opened
from tests.cast import make_tenant
from tests.live import served
from tests.pages import NEW, person

pytestmark = [pytest.mark.core]

PICTURES = os.environ.get("PICTURES")  # a folder, for whoever wants to look
ADA = "ada@initech.example"


@contextmanager
def watched(settings):
    """A page, the origin it looks at, and a way to keep pictures; what the policy of the page
    blocks is a fault.
    """
    with served(settings) as origin, opened() as page:
        faults = []
        page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        yield page, origin, lambda name: PICTURES and keep(page, name)
        assert [said for said in faults if "Content Security Policy" in said] == []


def keep(page, name):
    """The page as a desk and as a phone show it."""
    for size, width in (("desk", 1100), ("phone", 380)):
        page.set_viewport_size({"width": width, "height": 800})
        page.screenshot(path=f"{PICTURES}/{name}-{size}.png", full_page=True)


def elsewhere(look, *what):
    """What `look` finds, from a thread of its own: here a browser's loop runs, and Django asks no
    database beside one.
    """

    def looking():
        try:
            return look(*what)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(looking).result()


def press(page, name):
    """The button with this name."""
    page.get_by_role("button", name=name, exact=True).click()


@pytest.mark.practice("X-14")
@pytest.mark.practice("AUTHN-08")
def test_somebody_signs_up_sets_up_a_second_factor_and_needs_it_from_then_on(
    committed, settings, time_machine
):
    with watched(settings) as (page, origin, look):
        page.goto(f"{origin}/accounts/login/")
        look("sign-in")
        page.get_by_role("link", name="Create an account").click()
        look("sign-up")
        page.get_by_label("E-mail address").fill(ADA)
        page.get_by_label("Name of your organization").fill("Initech GmbH")
        page.get_by_label("Password").fill("short")
        press(page, "Go on")
        look("sign-up-refused")
        assert "at least 15 characters" in page.inner_text("main")
        page.get_by_label("Password").fill(NEW)
        press(page, "Go on")
        look("prove")
        page.get_by_label("The code that we have sent you").fill(elsewhere(pages.mailed_code, ADA))
        press(page, "Create the account")
        assert "owner or admin" in page.inner_text("main")
        look("enrol-password")
        page.get_by_label("Your password").fill(NEW)
        press(page, "Go on")
        look("enrol")
        assert page.locator("svg.picture path").bounding_box()["width"] > 100
        seed = page.locator(".seed").inner_text()
        page.get_by_label("The six digits that the app shows").fill("000000")
        press(page, "Turn it on")
        look("enrol-refused")
        page.get_by_label("The six digits that the app shows").fill(code_of(seed))
        press(page, "Turn it on")
        codes = re.findall(r"\b\w{5}-\w{5}\b", page.inner_text("main"))
        assert len(codes) == 10
        look("recovery-codes")
        page.get_by_role("link", name="I have kept them").click()
        assert "Initech GmbH as owner" in page.inner_text("main")
        assert "10 recovery codes left" in page.inner_text("main")
        look("home-with-factor")
        press(page, "Sign out")
        page.get_by_label("E-mail address").fill(ADA)
        page.get_by_label("Password").fill(NEW)
        press(page, "Sign in")
        look("second-factor")
        time_machine.move_to(timezone.now() + timedelta(seconds=30))  # the app shows another code
        page.get_by_label("The six digits").fill(code_of(seed))
        press(page, "Go on")
        assert f"signed in as {ADA}" in page.inner_text("main")
        page.get_by_role("link", name="Close your account").click()
        look("close")
        page.get_by_label("Your password").fill(NEW)
        page.get_by_label("Code of your authenticator app").fill(codes[0])
        press(page, "Close it for good")
        look("last-owner")
        assert "Make somebody else an owner first" in page.inner_text("main")


@pytest.mark.practice("AUTHZ-05")
def test_somebody_new_follows_an_invitation(committed, settings):
    acme = make_tenant("Acme")
    acme.admin.post("invitations", {"email": ADA, "role": "accountant"})
    with watched(settings) as (page, origin, look):
        link = elsewhere(pages.mailed_path, ADA, "invitations")
        page.goto(f"{origin}/accounts/{link}")
        look("invitation")
        page.get_by_label("New password").fill(NEW)
        press(page, "Create the account and join")
        assert "Acme as accountant" in page.inner_text("main")
        page.goto(f"{origin}/accounts/{link}")
        look("invitation-used")
        assert "There is nothing here" in page.inner_text("main")
        page.goto(f"{origin}/accounts/")
        page.get_by_role("link", name="Leave Acme").click()
        look("leave")
        press(page, "Leave")
        assert "You belong to none." in page.inner_text("main")
        page.get_by_role("link", name="Change your password").click()
        look("change-password")
        page.goto(f"{origin}/accounts/password/reset/")
        look("ask-reset")
    assert memberships_of(person(ADA).pk) == []
