"""Somebody follows the link of an invitation: looking changes nothing, and it works once."""

from datetime import timedelta

import pytest
from allauth.mfa.totp.internal.auth import generate_totp_secret
from django.utils import timezone

from apps.accounts.services import Totp
from apps.organizations.models import Invitation
from apps.organizations.queries import memberships_of
from apps.organizations.services import accept
from saas.errors import Problem
from saas.tenancy.binding import bind
from tests.apps.accounts.test_sign_in import PASSWORD, code_of
from tests.apps.organizations.test_members import path_of
from tests.attacks.surface import at_once
from tests.cast import make_tenant
from tests.pages import NEW, browser, comparable, get, is_in, mailed_path, person, post, signed_in

pytestmark = [pytest.mark.core]

ADA = "ada@initech.example"


def invited(by, email=ADA, role="clerk"):
    """The path of the link that was mailed."""
    assert by.post("invitations", {"email": email, "role": role}).status_code == 201
    return mailed_path(email, "invitations")


def where(email):
    """organization -> role of the person with this address."""
    return {one.tenant.name: one.role for one in memberships_of(person(email).pk)}


@pytest.mark.practice("AUTHZ-05")
def test_somebody_new_chooses_a_password_and_belongs(acme):
    link, client = invited(acme.admin), browser()
    for _ in range(3):  # a scanner of mail looks first
        page = get(client, link)
        assert page.status_code == 200
        assert b"Acme" in page.content
        assert b"clerk" in page.content
    assert page["Referrer-Policy"] == "same-origin"
    assert page["Cache-Control"] == "no-store"
    assert person(ADA) is None
    assert post(client, link, password="short").status_code == 400
    assert person(ADA) is None
    assert post(client, link, password=NEW)["Location"] == "/accounts/"
    assert is_in(client)
    assert where(ADA) == {"Acme": "clerk"}
    assert person(ADA).email_verified
    events = [e["event"] for e in acme.owner.get("audit-events").json()["results"]]
    assert events[:3] == ["member.joined", "invitation.accepted", "member.invited"]
    assert get(browser(), link).status_code == 404
    with bind(acme.id):
        assert not Invitation.objects.exists()  # nor the address with it


@pytest.mark.practice("AUTHZ-05")
def test_who_has_an_account_signs_in_first_and_comes_back(acme, globex):
    clerk = globex.clerk.user
    link = invited(acme.owner, clerk.email, "admin")
    client = browser()
    signed_in(clerk)  # elsewhere; here nobody is
    page = get(client, link)
    assert f"/accounts/login/?next=/accounts/{link}".encode() in page.content
    assert b"password" not in page.content
    post(client, link, password=NEW)
    assert where(clerk.email) == {"Globex": "clerk"}
    to = f"/accounts/{link}"
    back = post(client, "login/", login=clerk.email, password=PASSWORD, next=to)
    assert (back.status_code, back["Location"]) == (303, to)
    assert post(client, link)["Location"] == "/accounts/"
    assert where(clerk.email) == {"Acme": "admin", "Globex": "clerk"}


@pytest.mark.practice("AUTHZ-05")
def test_an_invitation_is_for_the_address_that_it_was_sent_to(acme, globex):
    link = invited(acme.owner)
    client = signed_in(globex.clerk.user)
    for page in (get(client, link), post(client, link), post(client, link, password=NEW)):
        assert page.status_code == 403
        assert b"another address" in page.content
    with pytest.raises(Problem, match="another address"):
        accept(globex.clerk.user, link.rpartition("/")[2])
    assert where(globex.clerk.user.email) == {"Globex": "clerk"}
    assert person(ADA) is None


def test_a_member_is_told_that_they_belong_already(acme):
    clerk = acme.clerk.user
    clerk.email, before = ADA, clerk.email
    clerk.save()
    link = invited(acme.owner, before, "admin")
    clerk.email = before
    clerk.save()
    answer = post(signed_in(clerk), link)
    assert answer.status_code == 409
    assert b"already" in answer.content
    assert where(before) == {"Acme": "clerk"}


@pytest.mark.practice("AUTHZ-05")
def test_who_may_not_invite_any_more_lets_nobody_in(acme):
    dead = browser()
    by_clerk, by_admin = invited(acme.owner), invited(acme.admin, "bob@initech.example")
    boss = invited(acme.owner, "boss@initech.example", "admin")
    acme.owner.patch(path_of(acme.admin), {"role": "clerk"})
    assert post(dead, by_admin, password=NEW).status_code == 404
    acme.owner.patch(path_of(acme.clerk), {"role": "owner"})
    assert acme.clerk.patch(path_of(acme.owner), {"role": "admin"}).status_code == 200
    assert post(dead, boss, password=NEW).status_code == 404  # an admin makes no admins
    assert post(browser(), by_clerk, password=NEW).status_code == 303  # but a clerk
    assert acme.clerk.delete(path_of(acme.owner)).status_code == 204
    assert post(dead, boss, password=NEW).status_code == 404
    assert person("boss@initech.example") is None
    assert person("bob@initech.example") is None
    assert where(ADA) == {"Acme": "clerk"}


@pytest.mark.practice("X-15")
def test_a_secret_that_is_late_used_taken_back_or_invented_gets_one_answer(acme, time_machine):
    used, taken = invited(acme.owner), invited(acme.owner, "taken@initech.example")
    post(browser(), used, password=NEW)
    [row] = acme.owner.get("invitations").json()["results"]
    acme.owner.delete(f"invitations/{row['id']}")
    late = invited(acme.owner, "late@initech.example")
    late_at = timezone.now() + timedelta(days=7, seconds=1)
    time_machine.move_to(late_at)
    paths = [used, taken, late, f"invitations/{'x' * 43}", "invitations/%00", "invitations/%ff"]
    paths.append(f"invitations/{'x' * 3000}")
    for method in (get, post):
        answers = [comparable(method(browser(), path)) for path in paths]
        assert answers[0][0] == 404
        assert [answer for answer in answers if answer != answers[0]] == []


@pytest.mark.practice("LOG-02")
def test_the_secret_stands_in_no_log(acme, caplog):
    link = invited(acme.owner)
    with caplog.at_level("DEBUG"):
        get(browser(), link)
        post(browser(), link, password=NEW)
    assert "accounts/invitations/<str:secret>" in caplog.text
    assert link.rpartition("/")[2] not in caplog.text
    assert NEW not in caplog.text


@pytest.mark.practice("AUTHZ-05")
def test_of_eight_who_show_one_secret_at_once_one_joins(committed):
    acme = make_tenant("Acme")
    link = invited(acme.owner)
    answers = at_once(*(lambda: post(browser(), link, password=NEW) for _ in range(8)))
    assert {answer.status_code for answer in answers} <= {200, 303, 404, 409}
    assert [answer.status_code for answer in answers].count(303) == 1
    assert where(ADA) == {"Acme": "clerk"}


def test_a_second_factor_is_asked_for_on_the_way_to_an_invitation(acme, globex):
    clerk, seed = globex.clerk.user, generate_totp_secret()
    signed_in(clerk)
    Totp.activate(clerk, seed)
    link, client = invited(acme.owner, clerk.email), browser()
    to = f"/accounts/{link}"
    step = post(client, "login/", login=clerk.email, password=PASSWORD, next=to)
    assert step["Location"].startswith("/accounts/2fa/authenticate/")
    assert post(client, link).status_code == 200  # not in yet
    assert where(clerk.email) == {"Globex": "clerk"}
    back = client.post(step["Location"], {"code": code_of(seed)}, secure=True)
    assert back["Location"] == to
