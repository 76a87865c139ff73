"""Asking somebody to join: the secret is in the mail and nowhere else, and no answer tells who has
an account.
"""

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.utils import timezone

from apps.organizations.models import Invitation
from saas.crypto import digest
from saas.tenancy.binding import bind

pytestmark = [pytest.mark.core]

WHOLE = {"id", "email", "role", "invited_by", "created_at", "expires_at"}
NOBODY = "00000000-0000-7000-8000-000000000000"


def invitations_of(tenant):
    """Whom the organization has asked, by address."""
    rows = tenant.owner.get("invitations").json()["results"]
    return {row["email"]: row["role"] for row in rows}


def secret_in(letter):
    """The secret in the link of an invitation's mail."""
    [link] = [line for line in letter.body.splitlines() if "/accounts/invitations/" in line]
    assert link.startswith(f"{settings.SAAS_ORIGIN}/accounts/invitations/")
    return link.rpartition("/")[2]


@pytest.mark.practice("AUTHZ-08")
def test_who_is_asked_without_a_role_will_be_a_viewer(acme):
    made = acme.admin.post("invitations", {"email": "new@initech.example"})
    assert made.status_code == 201
    asked = made.json()
    assert asked.keys() == WHOLE
    assert asked["role"] == "viewer"
    assert asked["email"] == "new@initech.example"
    assert asked["invited_by"] == str(acme.admin.user.pk)
    assert made["Location"] == f"{settings.SAAS_ORIGIN}/api/v1/invitations/{asked['id']}"
    assert acme.accountant.get(f"invitations/{asked['id']}").json() == asked
    assert acme.accountant.get("invitations").json()["results"] == [asked]


def test_the_secret_is_in_the_mail_and_nowhere_else(acme, caplog, delivered):
    with caplog.at_level("DEBUG"):
        made = acme.owner.post("invitations", {"email": "new@initech.example", "role": "clerk"})
        [letter] = delivered()
    assert letter.to == ["new@initech.example"]
    assert "Acme" in letter.subject
    secret = secret_in(letter)
    assert len(secret) == 43
    trail = acme.owner.get("audit-events?event=member.invited").content.decode()
    for place in (made.content.decode(), str(made.headers), trail, caplog.text):
        assert secret not in place
    with bind(acme.id):
        row = Invitation.objects.get()
    assert row.digest == digest(secret, purpose="invitation")
    assert secret not in str(vars(row))


def test_the_trail_names_the_role_and_not_the_address(acme):
    made = acme.owner.post("invitations", {"email": "new@initech.example", "role": "clerk"}).json()
    [event] = acme.owner.get("audit-events?event=member.invited").json()["results"]
    assert event["object"] == {"type": "invitation", "id": made["id"]}
    assert event["data"] == {"role": "clerk"}


@pytest.mark.practice("AUTHZ-05")
def test_a_clerk_may_invite_nobody_and_the_attempt_is_recorded(acme, delivered):
    refused = acme.clerk.post("invitations", {"email": "friend@initech.example"})
    assert refused.status_code == 403
    assert refused.json()["code"] == "permission-denied"
    assert invitations_of(acme) == {}
    assert delivered() == []
    [event] = acme.owner.get("audit-events?event=request.refused").json()["results"]
    assert event["user"] == str(acme.clerk.user.pk)
    assert event["request_id"] == refused["X-Request-Id"]
    assert event["data"] == {
        "operation": "invitations.create",
        "status": 403,
        "code": "permission-denied",
        "reason": "role-without:members:write",
        "count": 1,
    }


def test_who_may_not_read_members_may_not_read_invitations(acme):
    made = acme.owner.post("invitations", {"email": "new@initech.example"}).json()
    for member in (acme.clerk, acme.viewer):
        assert member.get("invitations").status_code == 403
        assert member.get(f"invitations/{made['id']}").status_code == 403
    assert acme.accountant.delete(f"invitations/{made['id']}").status_code == 403
    assert invitations_of(acme) == {"new@initech.example": "viewer"}


@pytest.mark.practice("AUTHZ-05")
def test_an_admin_invites_no_owner_and_no_admin_and_takes_no_such_invitation_back(acme):
    for role in ("owner", "admin"):
        refused = acme.admin.post("invitations", {"email": "me@initech.example", "role": role})
        assert refused.status_code == 403
    assert invitations_of(acme) == {}
    made = acme.owner.post("invitations", {"email": "boss@initech.example", "role": "owner"})
    assert made.status_code == 201
    assert acme.admin.delete(f"invitations/{made.json()['id']}").status_code == 403
    assert invitations_of(acme) == {"boss@initech.example": "owner"}


def test_an_address_that_is_a_member_or_invited_already_is_refused_in_any_case(acme):
    acme.owner.post("invitations", {"email": "new@initech.example"})
    for email, code in (
        ("New@Initech.example", "already-invited"),
        ("clerk@acme.example", "already-a-member"),
        ("CLERK@acme.example", "already-a-member"),
    ):
        refused = acme.owner.post("invitations", {"email": email})
        assert refused.status_code == 400
        [error] = refused.json()["errors"]
        assert (error["pointer"], error["code"]) == ("/email", code)
    assert invitations_of(acme) == {"new@initech.example": "viewer"}


@pytest.mark.practice("X-15")
def test_an_account_elsewhere_looks_like_no_account_at_all(acme, globex, delivered):
    globex.owner.post("invitations", {"email": "asked@initech.example"})
    before = len(delivered())
    answers = []
    for email in ("clerk@globex.example", "asked@initech.example", "nobody@initech.example"):
        answers.append(acme.owner.post("invitations", {"email": email}))
    assert {answer.status_code for answer in answers} == {201}
    assert {frozenset(answer.json()) for answer in answers} == {frozenset(WHOLE)}
    assert {frozenset(answer.headers) for answer in answers} == {frozenset(answers[0].headers)}
    letters = delivered()[before:]
    bodies = {letter.body.replace(secret_in(letter), "…") for letter in letters}
    assert len(letters) == 3
    assert len(bodies) == 1


def test_an_invitation_that_is_taken_back_is_gone_and_may_be_made_again(acme):
    made = acme.admin.post("invitations", {"email": "new@initech.example"}).json()
    assert acme.admin.delete(f"invitations/{made['id']}").status_code == 204
    assert acme.admin.get(f"invitations/{made['id']}").status_code == 404
    assert invitations_of(acme) == {}
    [event] = acme.owner.get("audit-events?event=invitation.revoked").json()["results"]
    assert event["object"]["id"] == made["id"]
    assert acme.admin.post("invitations", {"email": "new@initech.example"}).status_code == 201


def test_an_invitation_lapses_after_a_week_and_may_be_made_again(acme):
    made = acme.owner.post("invitations", {"email": "new@initech.example"}).json()
    with time_machine.travel(timezone.now() + timedelta(days=7, seconds=1)):
        assert acme.owner.get(f"invitations/{made['id']}").status_code == 404
        assert invitations_of(acme) == {}
        again = acme.owner.post("invitations", {"email": "new@initech.example", "role": "clerk"})
        assert again.status_code == 201
        assert invitations_of(acme) == {"new@initech.example": "clerk"}


def test_another_tenants_invitation_is_the_same_404_as_one_that_never_was(acme, globex):
    made = globex.owner.post("invitations", {"email": "new@initech.example"}).json()
    for method in ("GET", "DELETE"):
        theirs = acme.owner.call(method, f"invitations/{made['id']}")
        nobodys = acme.owner.call(method, f"invitations/{NOBODY}")
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.json() | {"instance": ""} == nobodys.json() | {"instance": ""}
    assert invitations_of(globex) == {"new@initech.example": "viewer"}


@pytest.mark.practice("INPUT-01")
@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/email", "required"),
        ({"email": "no address"}, "/email", "invalid"),
        ({"email": "a@b.example\nBcc: all@b.example"}, "/email", "invalid"),
        ({"email": ["a@b.example"]}, "/email", "invalid"),
        ({"email": "a@b.example", "role": "root"}, "/role", "invalid-choice"),
        ({"email": "a@b.example", "expires_at": "2099-01-01"}, "/expires_at", "unexpected-field"),
        ({"email": "a@b.example", "tenant": NOBODY}, "/tenant", "unexpected-field"),
    ],
)
def test_what_is_no_invitation_asks_nobody(acme, body, pointer, code, delivered):
    refused = acme.owner.post("invitations", body)
    assert refused.status_code == 400
    assert [(e["pointer"], e["code"]) for e in refused.json()["errors"]] == [(pointer, code)]
    assert invitations_of(acme) == {}
    assert delivered() == []
