"""Somebody leaves an organization, or closes the account: what they could open is shut at once."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import generate_totp_secret
from axes.models import AccessAttempt
from django.apps import apps
from django.utils import timezone

from apps.accounts.models import Session, User
from apps.accounts.services import Totp, make_recovery_codes
from apps.organizations.models import Membership, Organization
from apps.organizations.queries import memberships_of
from apps.organizations.services import add_member
from saas.audit import trail
from saas.persistence.tenant import TenantModel
from saas.tenancy.binding import bind
from tests.apps.accounts.test_sign_in import PASSWORD, sign_in
from tests.attacks.surface import at_once
from tests.cast import make_tenant
from tests.pages import browser, comparable, get, is_in, letters, post, signed_in, signed_in_by_two

pytestmark = [pytest.mark.core]


def leaving(tenant):
    """The path of the page."""
    return f"organizations/{tenant.id}/leave/"


@pytest.mark.practice("AUTHN-16")
def test_who_leaves_is_out_with_their_keys_and_the_trail_says_so(acme, globex):
    clerk = acme.clerk.user
    with bind(globex.id), trail.recording():
        add_member(None, clerk, "viewer")
    client = signed_in(clerk)
    assert b"Leave Acme?" in get(client, leaving(acme)).content
    assert acme.clerk.get("me").status_code == 200
    assert post(client, leaving(acme))["Location"] == "/accounts/"
    assert acme.clerk.get("me").status_code == 401
    with bind(acme.id):
        acme.clerk.key.refresh_from_db()
    assert acme.clerk.key.revoked_at  # it stays dead when they come back
    assert [one.tenant.name for one in memberships_of(clerk.pk)] == ["Globex"]
    [event] = acme.owner.get("audit-events?event=member.left").json()["results"]
    assert event["data"] == {"user": str(clerk.pk)}
    assert is_in(client)
    for page in (get(client, leaving(acme)), post(client, leaving(acme))):
        assert page.status_code == 404


def test_the_last_owner_stays_and_is_told_what_to_do(acme):
    client = signed_in_by_two(acme.owner.user)
    answer = post(client, leaving(acme))
    assert answer.status_code == 409
    assert b"Make somebody else an owner first" in answer.content
    assert acme.owner.get("me").json()["role"] == "owner"


def test_nobody_leaves_where_they_do_not_belong(acme, globex):
    client = signed_in(acme.clerk.user)
    nowhere = "organizations/00000000-0000-7000-8000-000000000000/leave/"
    theirs, nobodys = post(client, leaving(globex)), post(client, nowhere)
    assert theirs.status_code == 404
    assert comparable(theirs) == comparable(nobodys)
    assert post(browser(), leaving(acme))["Location"].startswith("/accounts/login/")
    assert acme.clerk.get("me").status_code == 200


def test_of_two_owners_who_leave_at_once_one_stays(committed):
    acme = make_tenant("Acme")
    with bind(acme.id):
        Membership.objects.filter(user=acme.admin.user).update(role="owner")
    clients = [signed_in_by_two(one.user) for one in (acme.owner, acme.admin)]
    answers = at_once(*(lambda c=client: post(c, leaving(acme)) for client in clients))
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    with bind(acme.id):
        assert Membership.objects.filter(role="owner").count() == 1


@pytest.mark.practice("AUTHN-16")
def test_who_closes_their_account_leaves_nothing_that_names_or_opens(acme, globex):
    clerk = acme.clerk.user
    clerk.email_proved_at = timezone.now()
    clerk.save()
    email = clerk.email
    with bind(globex.id), trail.recording():
        add_member(None, clerk, "viewer")
    client, elsewhere = signed_in(clerk), signed_in(clerk)
    sign_in(browser(), email, "wrong")
    assert post(client, "close/", password="wrong").status_code == 400
    assert acme.clerk.get("me").status_code == 200
    assert post(client, "close/", password=PASSWORD)["Location"] == "/accounts/closed/"
    assert get(client, "closed/").status_code == 200
    assert not is_in(client)
    assert not is_in(elsewhere)
    assert acme.clerk.get("me").status_code == 401
    clerk.refresh_from_db()
    assert (clerk.is_active, clerk.name, clerk.email_verified) == (False, "", False)
    assert email not in str(vars(clerk))
    assert memberships_of(clerk.pk) == []
    assert not Session.objects.filter(user=clerk).exists()
    assert not AccessAttempt.objects.filter(username=email).exists()
    assert "closed" in letters(email)[0].subject
    for model in (m for m in apps.get_models() if not issubclass(m, TenantModel)):
        if model is not Organization:
            assert email not in str(list(model.objects.values())), model
    User.objects.create_user(email)  # the address is free
    for tenant in (acme, globex):
        [event] = tenant.owner.get("audit-events?event=member.left").json()["results"]
        assert event["data"] == {"user": str(clerk.pk)}


def test_the_last_owner_of_anything_cannot_close_and_nothing_is_half_done(acme, globex):
    owner = globex.owner.user
    with bind(acme.id), trail.recording():
        add_member(None, owner, "viewer")
    client = signed_in_by_two(owner)
    [code, *_] = make_recovery_codes(owner)
    answer = post(client, "close/", password=PASSWORD, code=code)
    assert answer.status_code == 409
    assert b"Globex: The last owner stays." in answer.content
    assert len(memberships_of(owner.pk)) == 2
    assert globex.owner.get("me").status_code == 200
    owner.refresh_from_db()
    assert owner.is_active
    assert is_in(client)
    assert not [one for one in letters(owner.email) if "closed" in one.subject]


@pytest.mark.practice("AUTHN-08")
def test_closing_asks_for_the_second_factor_of_who_has_one(acme):
    clerk = acme.clerk.user
    client = signed_in(clerk)
    Totp.activate(clerk, generate_totp_secret())
    for form in ({}, {"code": ""}, {"code": "000000"}):
        assert post(client, "close/", password=PASSWORD, **form).status_code == 400
    assert Authenticator.objects.filter(user=clerk).exists()
    assert is_in(client)
