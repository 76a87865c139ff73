"""What holds for every page of an account: who may look, what is sent with it, and what a browser
can read aloud.
"""

import re
from html.parser import HTMLParser
from urllib.parse import quote, urlencode

import pytest
from allauth.mfa.totp.internal.auth import generate_totp_secret
from django.test import Client

from apps.accounts.services import Totp
from config.settings.security import Rate
from tests.apps.accounts.test_sign_in import PASSWORD, sign_in
from tests.pages import NEW, browser, get, is_in, post, signed_in

pytestmark = [pytest.mark.core]

OPEN = ["login/", "signup/", "password/reset/", "password/reset/sent/", "closed/"]
OPEN += ["invitations/none", "password/reset/00000000-0000-7000-8000-000000000000/none"]
OWN = ["", "password/", "2fa/", "close/", "organizations/{id}/leave/"]
WITH_FACTOR = ["2fa/codes/new/", "2fa/remove/"]
ACTS = ["logout/", "sessions/end/"]


class Reader(HTMLParser):
    """What a screen reader would find on a page."""

    def __init__(self, page):
        super().__init__()
        self.inputs, self.labelled, self.ids, self.tags = [], set(), set(), []
        self.feed(page.content.decode())

    def handle_starttag(self, tag, attrs):
        """Remember what matters."""
        given = dict(attrs)
        self.tags.append((tag, given))
        self.ids.add(given.get("id"))
        if tag == "label":
            self.labelled.add(given.get("for"))
        if tag == "input" and given.get("type") != "hidden":
            self.inputs.append(given)


def readable(page):
    """Assert what can be read from the markup of a good page."""
    read = Reader(page)
    tags = [tag for tag, _ in read.tags]
    assert ("html", {"lang": "en"}) in read.tags
    assert tags.count("h1") == tags.count("main") == tags.count("title") == 1
    for field in read.inputs:
        assert field["id"] in read.labelled, field
        assert field.get("autocomplete"), field
        for about in field.get("aria-describedby", "").split():
            assert about in read.ids
    for tag, given in read.tags:
        assert "style" not in given
        assert not any(name.startswith("on") for name in given)
        assert tag not in ("img", "iframe")
        if tag == "link":  # the page brings its icon along
            assert (given["rel"], given["href"].partition(",")[0]) == ("icon", "data:image/svg+xml")
        assert given.get("src", "").startswith("/static/") == (tag == "script")


def headed(page):
    """Assert the headers of a page."""
    assert page["Cache-Control"] == "no-store"
    assert page["Referrer-Policy"] == "same-origin"
    assert re.search("'nonce-[^']+'", page["Content-Security-Policy"])
    assert "'unsafe-" not in page["Content-Security-Policy"]
    assert page["X-Frame-Options"] == "DENY"


@pytest.mark.practice("AUTHN-12")
def test_every_page_is_readable_and_carries_its_headers(acme):
    client = signed_in(acme.clerk.user)
    pages = [get(browser(), path) for path in OPEN]
    pages += [get(client, path.format(id=acme.id)) for path in OWN]
    pages += [post(client, path.format(id=acme.id)) for path in ("password/", "2fa/", "close/")]
    Totp.activate(acme.clerk.user, generate_totp_secret())
    pages += [get(client, path) for path in ("", *WITH_FACTOR)]
    pages += [post(client, path) for path in WITH_FACTOR]
    assert {page.status_code for page in pages} == {200, 400, 404}
    for page in pages:
        readable(page)
        headed(page)


def test_an_error_is_tied_to_its_field(db):
    read = Reader(post(browser(), "signup/", email="x", organization="", password="short"))
    assert [field["aria-invalid"] for field in read.inputs] == ["true"] * 3
    assert all(field["aria-describedby"] for field in read.inputs)


@pytest.mark.practice("AUTHN-12")
def test_who_is_not_signed_in_is_sent_to_sign_in(acme):
    paths = [*OWN, *WITH_FACTOR, *ACTS[1:], "2fa/confirm/", "2fa/codes/"]
    for path in (path.format(id=acme.id) for path in paths):
        for method in (get, post):
            answer = method(browser(), path)
            if answer.status_code != 405:
                assert answer["Location"].startswith("/accounts/login/?next="), path


@pytest.mark.practice("AUTHN-12")
def test_another_sites_form_does_nothing_anywhere(acme):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = signed_in(acme.clerk.user).cookies
    paths = [*OPEN, *OWN[1:], *WITH_FACTOR, *ACTS, "2fa/confirm/", "signup/code/"]
    for path in paths:
        answer = strict.post(f"/accounts/{path.format(id=acme.id)}", secure=True)
        assert answer.status_code in (403, 405), path
    assert is_in(strict)


def test_other_methods_are_not_known(acme):
    client = signed_in(acme.clerk.user)
    for path in (path.format(id=acme.id) for path in [*OPEN[1:], *OWN, *WITH_FACTOR, *ACTS]):
        for method in ("PUT", "PATCH", "DELETE", "OPTIONS"):
            answer = client.generic(method, f"/accounts/{path}", secure=True)
            assert answer.status_code == 405, (method, path)


@pytest.mark.practice("RATE-01")
@pytest.mark.parametrize(
    "path",
    [
        "signup/",
        "signup/code/",
        "password/reset/",
        "invitations/x",
        "password/reset/00000000-0000-7000-8000-000000000000/x",
    ],
)
def test_a_network_that_tries_too_often_is_told_to_wait(path, settings, db):
    settings.RATES = settings.RATES | {"sign-in": Rate(3, 60)}
    client = browser()
    answers = [post(client, path) for _ in range(4)]
    assert 429 not in [answer.status_code for answer in answers[:3]]
    assert answers[3].status_code == 429
    assert 1 <= int(answers[3]["Retry-After"]) <= 60


NAMES = ["login", "email", "password", "new_password", "code", "organization", "session", "next"]


@pytest.mark.parametrize("nonsense", ["\0", "x" * 25_000, "ж\u202e", "\ud800", "٣" * 6])
def test_nonsense_anywhere_is_never_our_fault(acme, nonsense):
    client, half = signed_in(acme.clerk.user), browser()
    post(client, "2fa/", password=PASSWORD)
    Totp.activate(acme.clerk.user, generate_totp_secret())
    sign_in(half, acme.clerk.user.email)
    asking = browser()
    post(asking, "signup/", email="a@b.example", organization="B", password=NEW)
    tried = [(browser(), path) for path in OPEN] + [(asking, "signup/code/")]
    tried += [(half, "2fa/authenticate/"), (client, "2fa/confirm/")]
    tried += [(client, path.format(id=acme.id)) for path in [*WITH_FACTOR, *OWN[1:]]]
    sent = dict.fromkeys(NAMES, nonsense.encode("utf-8", "surrogatepass"))
    for guest, path in tried:
        fields = sent | {"password": PASSWORD} if guest is client else sent
        form = {"data": urlencode(fields), "content_type": "application/x-www-form-urlencoded"}
        answer = guest.post(f"/accounts/{path}", secure=True, **form)
        assert answer.status_code in (200, 302, 303, 400, 404, 405), path
    to = quote(nonsense, errors="replace")[:2000]
    assert get(browser(), f"login/?next={to}").status_code == 200


@pytest.mark.practice("X-16")
def test_a_person_sees_where_they_are_signed_in_and_ends_it(acme):
    clerk = acme.clerk.user
    one, two, three = (signed_in(clerk) for _ in range(3))
    stranger = signed_in(acme.viewer.user)
    others = re.findall(r'name="session" value="(\w+)"', get(one, "").content.decode())
    assert len(others) == 2
    assert post(stranger, "sessions/end/", session=others[0]).status_code == 303
    assert [is_in(client) for client in (one, two, three)] == [True] * 3
    post(one, "sessions/end/", session=others[0])
    assert [is_in(client) for client in (one, two, three)].count(True) == 2
    assert is_in(one)
    for nonsense in ("\0", "x" * 5000, "none"):
        assert post(one, "sessions/end/", session=nonsense).status_code == 303
    assert [is_in(client) for client in (two, three)].count(True) == 1
    post(one, "sessions/end/")
    assert [is_in(client) for client in (one, two, three)] == [True, False, False]
    assert is_in(stranger)
