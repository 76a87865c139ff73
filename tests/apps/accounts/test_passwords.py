"""A password is changed by who knows it, and reset by who reads the mail; both end what it opened."""

import pytest
from allauth.core.context import request_context
from allauth.mfa.totp.internal.auth import generate_totp_secret
from axes.models import AccessAttempt
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils import timezone

from apps.accounts.adapters import Accounts
from apps.accounts.services import Totp, make_recovery_codes
from apps.organizations.models import Organization
from saas.tenancy.binding import bind
from tests.apps.accounts.test_sign_in import FACTOR, PASSWORD, sign_in
from tests.attacks.surface import at_once
from tests.cast import make_tenant
from tests.pages import (
    NEW,
    browser,
    comparable,
    get,
    is_in,
    letters,
    mailed_path,
    person,
    post,
    signed_in,
)

pytestmark = [pytest.mark.core]


@pytest.fixture
def clerk(acme):
    """Acme's clerk, with a password."""
    signed_in(acme.clerk.user)
    return acme.clerk.user


def link_for(user):
    """The path of the link that was mailed."""
    assert post(browser(), "password/reset/", email=user.email).status_code == 303
    return mailed_path(user.email, "password/reset")


@pytest.mark.practice("AUTHN-11")
@pytest.mark.practice("X-14")
def test_a_change_needs_the_password_and_ends_the_other_sessions(clerk):
    client, elsewhere = signed_in(clerk), signed_in(clerk)
    before = client.cookies["__Host-session"].value
    for form in (
        {"new_password": NEW},
        {"password": "wrong", "new_password": NEW},
        {"password": PASSWORD, "new_password": "fourteen chars"},
        {"password": PASSWORD, "new_password": "clerk@acme.example"},
        {"password": PASSWORD, "new_password": f"{NEW}\0"},
    ):
        assert post(client, "password/", **form).status_code == 400
    assert is_in(elsewhere)
    assert NEW not in str(list(AccessAttempt.objects.values()))  # what was typed is not kept
    assert post(client, "password/", password=PASSWORD, new_password=NEW).status_code == 303
    assert is_in(client)
    assert client.cookies["__Host-session"].value != before
    assert not is_in(elsewhere)
    assert sign_in(browser(), clerk.email).status_code == 200
    assert sign_in(browser(), clerk.email, NEW).status_code == 303
    assert "password was changed" in letters(clerk.email)[0].subject


@pytest.mark.practice("X-15")
def test_a_reset_is_answered_alike_whoever_asks_for_whom(clerk):
    pages = []
    for email in (clerk.email, "nobody@acme.example", clerk.email.upper()):
        client = browser()
        asked = post(client, "password/reset/", email=email)
        pages.append((comparable(asked), comparable(get(client, "password/reset/sent/"))))
        assert asked.status_code == 303
    assert pages[0] == pages[1] == pages[2]
    assert "/password/reset/" in letters(clerk.email)[0].body
    [none] = letters("nobody@acme.example")
    assert "no account" in none.subject
    assert "/accounts/" not in none.body


@pytest.mark.practice("X-16")
def test_the_link_sets_a_password_once_and_signs_nobody_in(clerk):
    client, former = signed_in(clerk), link_for(clerk)
    link, guest = link_for(clerk), browser()
    for _ in range(3):  # a scanner of mail looks first
        page = get(guest, link)
        assert page.status_code == 200
        assert page["Referrer-Policy"] == "same-origin"
    assert post(guest, link, password="short").status_code == 400
    assert is_in(client)
    assert not person(clerk.email).email_verified  # who looks has shown nothing
    assert post(guest, link, password=NEW)["Location"] == "/accounts/login/"
    assert person(clerk.email).email_verified
    assert not is_in(guest)
    assert not is_in(client)
    for dead in (link, former):
        assert get(browser(), dead).status_code == 404
        assert post(browser(), dead, password=NEW).status_code == 404
    assert sign_in(browser(), clerk.email, NEW).status_code == 303


@pytest.mark.practice("AUTHN-08")
def test_a_reset_does_not_pass_by_the_second_factor(clerk):
    Totp.activate(clerk, generate_totp_secret())
    guest = browser()
    post(guest, link_for(clerk), password=NEW)
    assert sign_in(guest, clerk.email, NEW)["Location"].startswith(FACTOR)
    assert not is_in(guest)


def test_a_link_is_void_after_an_hour_after_a_sign_in_and_for_another_person(acme, time_machine):
    clerk = acme.clerk.user
    signed_in(clerk)
    signed_in(acme.viewer.user)
    time_machine.move_to(timezone.now(), tick=False)
    link = link_for(clerk)
    token = link.rpartition("/")[2]
    for wrong in (
        f"password/reset/{acme.viewer.user.pk}/{token}",
        f"password/reset/00000000-0000-7000-8000-000000000000/{token}",
        f"{link}x",
        f"password/reset/{clerk.pk}/%00",
        f"password/reset/{clerk.pk}/%ff",
        f"password/reset/{clerk.pk}/{'1' * 3000}",
    ):
        assert post(browser(), wrong, password=NEW).status_code == 404
    assert get(browser(), link).status_code == 200
    time_machine.shift(3601)
    assert get(browser(), link).status_code == 404
    link = link_for(clerk)
    time_machine.shift(1)
    sign_in(browser(), clerk.email)
    assert post(browser(), link, password=NEW).status_code == 404
    clerk.refresh_from_db()
    assert clerk.check_password(PASSWORD)


def test_of_eight_who_hold_one_link_one_sets_the_password(committed):
    clerk = make_tenant("Acme").clerk.user
    signed_in(clerk)
    link = link_for(clerk)
    chosen = [f"{NEW} {number}" for number in range(8)]
    answers = at_once(
        *(lambda p=password: post(browser(), link, password=p).status_code for password in chosen)
    )
    assert sorted(answers) == [303] + [404] * 7
    clerk.refresh_from_db()
    assert clerk.check_password(chosen[answers.index(303)])


def test_who_was_switched_off_gets_no_link(clerk):
    link = link_for(clerk)
    clerk.is_active = False
    clerk.save()
    assert post(browser(), link, password=NEW).status_code == 404
    post(browser(), "password/reset/", email=clerk.email)
    assert "no account" in letters(clerk.email)[0].subject


def test_what_allauth_itself_would_write_goes_by_the_one_door(db, monkeypatch, rf):
    posted = []
    monkeypatch.setattr("saas.persistence.letters.post", lambda **letter: posted.append(letter))
    with request_context(rf.get("/")):
        about = dict.fromkeys(("ip", "timestamp", "user_agent"), "")
        Accounts().send_mail("account/email/password_changed", "ada@initech.example", about)
    [letter] = posted
    assert letter["to"] == "ada@initech.example"
    assert "assword" in letter["subject"]
    assert letters() == []


def refused(password, user=None):
    """The codes of what speaks against a password."""
    try:
        validate_password(password, user)
    except ValidationError as fault:
        return [error.code for error in fault.error_list]
    return []


@pytest.mark.practice("X-14")
@pytest.mark.parametrize(
    "password",
    [
        "1Q2W3E4R5T6Y7U8I9O0P",  # on the list, in another case
        "１ｑ２ｗ３ｅ４ｒ５ｔ６ｙ７ｕ８ｉ９ｏ０ｐ",  # in another width
        "Password Password",  # one of the list, again
        "passwordpasswordpassword",
        "Football 1234567890",  # two of the list
        "Friend Of Emily",
    ],
)
def test_what_guessers_have_is_refused_however_it_is_typed(password):
    assert refused(password) == ["password_too_common"]


@pytest.mark.practice("X-14")
def test_a_password_may_be_shorter_beside_a_second_factor_and_then_the_factor_stays(clerk):
    short = "9 herons"
    client = signed_in(clerk)
    assert post(client, "password/", password=PASSWORD, new_password=short).status_code == 400
    Totp.activate(clerk, generate_totp_secret())
    [code, another, *_] = make_recovery_codes(clerk)
    assert b"At least 8 characters" in get(client, "password/").content
    for wrong in ("7 heron", "football", "acmeacme"):
        assert post(client, "password/", password=PASSWORD, new_password=wrong).status_code == 400
    assert post(client, "password/", password=PASSWORD, new_password=short).status_code == 303
    asked = post(client, "2fa/remove/", password=short, code=code)
    assert asked.status_code == 400
    assert b"alone it needs 15 characters" in asked.content
    post(client, "password/", password=short, new_password=NEW)
    assert post(client, "2fa/remove/", password=NEW, code=another).status_code == 303


@pytest.mark.practice("X-14")
def test_the_name_of_ones_own_organization_is_no_password(acme, clerk):
    with bind(acme.id):
        Organization.objects.filter(pk=acme.id).update(name="Société Générale des Hérons")
    taken = {"password": PASSWORD, "new_password": "société générale des hérons"}
    client = signed_in(clerk)
    assert post(client, "password/", **taken).status_code == 400
    assert refused("société générale des hérons") == []  # of anybody else's
    assert post(client, "password/", **taken | {"new_password": NEW}).status_code == 303


@pytest.mark.practice("X-14")
def test_of_a_long_password_every_character_counts(clerk):
    client, long = signed_in(clerk), "ж" * 99 + "e" * 101
    page = get(client, "password/").content.decode()
    assert 'maxlength="200"' in page
    assert "onpaste" not in page
    assert post(client, "password/", password=PASSWORD, new_password=long).status_code == 303
    assert sign_in(browser(), clerk.email, long[:-1]).status_code == 200
    assert sign_in(browser(), clerk.email, f"{long[:-1]}E").status_code == 200
    assert sign_in(browser(), clerk.email, long).status_code == 303
