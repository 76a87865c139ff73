"""A person sets up a second factor, loses it, and takes it away; each change asks who is there."""

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import generate_totp_secret
from django.utils import timezone

from apps.accounts.models import RecoveryCode, Session
from apps.accounts.services import Totp, make_recovery_codes
from tests.apps.accounts.test_sign_in import FACTOR, PASSWORD, code_of, sign_in
from tests.attacks.surface import at_once
from tests.cast import make_tenant
from tests.pages import browser, get, is_in, letters, post, signed_in

pytestmark = [pytest.mark.core]


@pytest.fixture
def clerk(acme):
    """Acme's clerk."""
    return acme.clerk.user


def enrol(client, password=PASSWORD):
    """The page of recovery codes, and the seed."""
    assert post(client, "2fa/", password=password)["Location"] == "/accounts/2fa/confirm/"
    seed = seed_on(get(client, "2fa/confirm/"))
    answer = post(client, "2fa/confirm/", code=code_of(seed))
    assert (answer.status_code, answer["Location"]) == (303, "/accounts/2fa/codes/")
    return get(client, "2fa/codes/"), seed


def seed_on(page):
    """The key that is shown beside the picture."""
    return re.search(r'class="seed">([A-Z2-7]+)<', page.content.decode())[1]


def codes_on(page):
    """The recovery codes."""
    return re.findall(r"<li>([0-9a-z]{5}-[0-9a-z]{5})</li>", page.content.decode())


def step_two(user):
    """A browser in which the password was right."""
    client = browser()
    assert sign_in(client, user.email)["Location"].startswith(FACTOR)
    return client


@pytest.mark.practice("AUTHN-08")
def test_a_person_sets_up_an_authenticator_and_gets_ten_codes_once(clerk, time_machine):
    time_machine.move_to(timezone.now(), tick=False)  # half a minute later there is another code
    client, elsewhere = signed_in(clerk), signed_in(clerk)
    page, seed = enrol(client)
    codes = codes_on(page)
    assert len(set(codes)) == 10
    assert get(client, "2fa/codes/").status_code == 303  # shown once
    assert is_in(client)
    assert not is_in(elsewhere)
    assert b"10 recovery codes left" in get(client, "").content
    assert "second factor" in letters(clerk.email)[0].subject
    stored = str(list(RecoveryCode.objects.values())) + str(
        [row.get_decoded() for row in Session.objects.all()]
    )
    for secret in (*codes, *(code.replace("-", "") for code in codes), seed):
        assert secret not in stored
    again = step_two(clerk)
    assert again.post(FACTOR, {"code": code_of(seed)}, secure=True).status_code == 200  # used up
    assert not is_in(again)


@pytest.mark.practice("X-16")
def test_an_open_session_is_not_enough_to_see_a_seed(clerk):
    client = signed_in(clerk)
    assert get(client, "2fa/confirm/")["Location"] == "/accounts/2fa/"
    for wrong in ("", "wrong", "\0", "x" * 5000):
        assert post(client, "2fa/", password=wrong).status_code == 400
    assert get(client, "2fa/confirm/").status_code == 303
    assert not Authenticator.objects.exists()


def test_a_wrong_code_sets_nothing_up_and_the_seed_stays_for_a_quarter_of_an_hour(
    clerk, time_machine
):
    client = signed_in(clerk)
    time_machine.move_to("2026-11-22T12:00:00+00:00", tick=False)
    client = signed_in(clerk)
    post(client, "2fa/", password=PASSWORD)
    seed = seed_on(get(client, "2fa/confirm/"))
    for code in ("000000", "", "abc", "\0", "1" * 500):
        assert post(client, "2fa/confirm/", code=code).status_code == 400
    assert not Authenticator.objects.exists()
    assert seed_on(get(client, "2fa/confirm/")) == seed
    time_machine.shift(901)
    assert post(client, "2fa/confirm/", code=code_of(seed)).status_code == 303
    assert not Authenticator.objects.exists()


@pytest.mark.practice("AUTHN-08")
def test_a_recovery_code_signs_in_once_however_it_is_typed(clerk):
    Totp.activate(clerk, generate_totp_secret())
    signed_in_before = len(letters(clerk.email))
    clerk.set_password(PASSWORD)
    clerk.save()
    code, other, *_ = make_recovery_codes(clerk)
    client = step_two(clerk)
    typed = f" {code.upper().replace('-', ' ')}"
    assert client.post(FACTOR, {"code": typed}, secure=True).status_code == 303
    assert is_in(client)
    assert RecoveryCode.objects.count() == 9
    assert len(letters(clerk.email)) == signed_in_before + 1
    again = step_two(clerk)
    assert again.post(FACTOR, {"code": code}, secure=True).status_code == 200
    assert not is_in(again)
    assert again.post(FACTOR, {"code": other}, secure=True).status_code == 303


@pytest.mark.practice("AUTHN-08")
def test_of_eight_who_show_one_recovery_code_at_once_one_gets_in(committed):
    clerk = make_tenant("Acme").clerk.user
    signed_in(clerk)
    Totp.activate(clerk, generate_totp_secret())
    code = make_recovery_codes(clerk)[0]
    clients = [step_two(clerk) for _ in range(8)]
    sent = [
        lambda c=client: c.post(FACTOR, {"code": code}, secure=True).status_code
        for client in clients
    ]
    assert sorted(at_once(*sent)) == [200] * 7 + [303]
    assert [is_in(client) for client in clients].count(True) == 1


@pytest.mark.practice("X-16")
def test_new_codes_and_removal_ask_for_password_and_code(clerk):
    client = signed_in(clerk)
    page, _ = enrol(client)
    old = codes_on(page)
    elsewhere = step_two(clerk)
    elsewhere.post(FACTOR, {"code": old[0]}, secure=True)
    for path in ("2fa/codes/new/", "2fa/remove/"):
        for form in (
            {},
            {"password": PASSWORD},
            {"password": PASSWORD, "code": "000000"},
            {"password": "wrong", "code": old[1]},
        ):
            assert post(client, path, **form).status_code == 400
    assert RecoveryCode.objects.count() == 9
    assert is_in(elsewhere)
    before = client.cookies["__Host-session"].value
    post(client, "2fa/codes/new/", password=PASSWORD, code=old[1])
    assert client.cookies["__Host-session"].value != before
    assert not is_in(elsewhere)
    new = codes_on(get(client, "2fa/codes/"))
    assert len(new) == 10
    elsewhere = step_two(clerk)
    elsewhere.post(FACTOR, {"code": new[1]}, secure=True)
    assert is_in(elsewhere)
    assert post(client, "2fa/remove/", password=PASSWORD, code=old[2]).status_code == 400
    assert post(client, "2fa/remove/", password=PASSWORD, code=new[0]).status_code == 303
    assert not Authenticator.objects.exists()
    assert not RecoveryCode.objects.exists()
    assert "removed" in letters(clerk.email)[0].subject
    assert is_in(client)
    assert not is_in(elsewhere)
    assert sign_in(browser(), clerk.email)["Location"] == "/accounts/"


@pytest.mark.practice("AUTHN-13")
def test_codes_are_guessed_five_times_here_too(clerk):
    client = signed_in(clerk)
    Totp.activate(clerk, generate_totp_secret())
    guess = {"password": PASSWORD, "code": "000000"}
    answers = [post(client, "2fa/remove/", **guess).status_code for _ in range(11)]
    assert answers == [400] * 5 + [429] * 6
    assert Authenticator.objects.exists()


def test_who_has_a_factor_gets_no_second_seed(clerk):
    client = signed_in(clerk)
    post(client, "2fa/", password=PASSWORD)
    seed = seed_on(get(client, "2fa/confirm/"))
    Totp.activate(clerk, generate_totp_secret())  # in another window meanwhile
    assert post(client, "2fa/confirm/", code=code_of(seed)).status_code == 400
    assert post(client, "2fa/", password=PASSWORD)["Location"] == "/accounts/"
    assert Authenticator.objects.count() == 1
