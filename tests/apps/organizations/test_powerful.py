"""An owner or admin without a second factor is led to set one up, and to nothing else."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.urls import get_resolver, reverse

from apps.accounts.enrolment import BEFORE
from apps.accounts.services import make_recovery_codes
from tests.apps.accounts.test_second_factor import codes_on, enrol
from tests.apps.accounts.test_sign_in import PASSWORD
from tests.apps.integrations.test_consent import told, url
from tests.oauth import make_client
from tests.pages import (
    NEW,
    browser,
    get,
    is_in,
    mailed_path,
    post,
    signed_in,
    signed_in_by_two,
)

pytestmark = [pytest.mark.core]

ENROLMENT = "/accounts/2fa/"
OPEN = {reverse(name).removeprefix("/accounts/") for name in BEFORE}  # a module has its own


def account_pages():
    """Every path under /accounts/, with something in the place of what is asked for."""

    def walk(patterns, prefix):
        for pattern in patterns:
            route = prefix + str(pattern.pattern).removeprefix("^")
            if hasattr(pattern, "url_patterns"):
                yield from walk(pattern.url_patterns, route)
            elif route.startswith("accounts/"):
                yield route.removeprefix("accounts/")

    for route in walk(get_resolver().url_patterns, ""):
        filled = re.sub(r"<uuid:\w+>", "00000000-0000-7000-8000-000000000000", route)
        yield re.sub(r"<\w+:\w+>", "x", filled)


def led_away(client, path=""):
    """Whether this page leads to the enrolment."""
    answer = get(client, path)
    return (answer.status_code, answer.get("Location")) == (303, ENROLMENT)


@pytest.mark.practice("AUTHN-08")
@pytest.mark.parametrize("role", ["owner", "admin"])
def test_every_page_leads_to_the_enrolment_but_itself_and_the_way_out(acme, role):
    client = signed_in(getattr(acme, role).user)
    pages = [path for path in account_pages() if path not in OPEN]
    assert len(pages) > 12
    assert {"2fa/", "2fa/confirm/", "logout/"} <= OPEN
    assert [path for path in pages if not led_away(client, path)] == []
    for path in pages:
        answer = post(client, path, password=PASSWORD, new_password=NEW)
        assert (answer.status_code, answer["Location"]) == (303, ENROLMENT)
    assert get(client, "2fa/").status_code == 200
    page, _ = enrol(client)
    assert len(codes_on(page)) == 10
    assert is_in(client)
    assert post(client, "logout/").status_code == 303


@pytest.mark.practice("AUTHN-08")
@pytest.mark.parametrize("role", ["accountant", "clerk", "viewer"])
def test_who_may_do_less_goes_on_without(acme, role):
    assert not led_away(signed_in(getattr(acme, role).user))


@pytest.mark.practice("AUTHN-08")
def test_who_is_promoted_or_joins_as_an_admin_is_led_there_on_the_next_page(acme, globex):
    clerk = acme.clerk.user
    client = signed_in(clerk)
    [mine] = [one for one in acme.owner.get("members").json()["results"] if one["role"] == "clerk"]
    acme.owner.patch(f"members/{mine['id']}", {"role": "admin"})
    assert led_away(client)
    acme.owner.patch(f"members/{mine['id']}", {"role": "clerk"})
    assert not led_away(client)
    globex.owner.post("invitations", {"email": clerk.email, "role": "admin"})
    assert post(client, mailed_path(clerk.email, "invitations"))["Location"] == "/accounts/"
    assert led_away(client)
    new = "new@globex.example"
    globex.owner.post("invitations", {"email": new, "role": "admin"})
    guest = browser()
    post(guest, mailed_path(new, "invitations"), password=NEW)
    assert led_away(guest)


@pytest.mark.practice("AUTHN-08")
def test_an_owner_keeps_a_second_factor_and_may_change_it_for_nothing(acme):
    client, owner = signed_in_by_two(acme.owner.user), acme.owner.user
    assert "Remove the second factor" not in get(client, "").content.decode()
    code = make_recovery_codes(owner)[0]
    answer = post(client, "2fa/remove/", password=PASSWORD, code=code)
    assert answer.status_code == 400
    assert b"Your role in an organization asks for a second factor" in answer.content
    assert Authenticator.objects.filter(user=owner).exists()
    assert is_in(client)


@pytest.mark.practice("X-16")
def test_enrolling_renews_the_session_and_counts_as_the_second_factor(acme):
    client = signed_in(acme.owner.user)
    asked = url(make_client(acme, "members:write"), scope="members:write")
    assert told(client.get(asked, secure=True))["error"] == "access_denied"
    before = client.cookies["__Host-session"].value
    enrol(client)
    assert client.cookies["__Host-session"].value != before
    assert is_in(client)
    stolen = browser()
    stolen.cookies["__Host-session"] = before
    assert not is_in(stolen)
    assert b"members:write" in client.get(asked, secure=True).content
