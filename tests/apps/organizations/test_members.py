"""Who belongs here and as what: nobody raises themselves, and somebody always owns the place."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError

import pytest
from django.db import connection

from apps.integrations.models import ApiKey
from apps.organizations import services
from apps.organizations.models import ROLES, Membership
from saas.audit import trail
from saas.tenancy.binding import bind
from tests.cast import Member, make_key, make_tenant

pytestmark = [pytest.mark.core]

WHOLE = {"id", "user", "email", "name", "role", "created_at"}
NOBODY = "00000000-0000-7000-8000-000000000000"


def path_of(member):
    """The path of somebody's membership."""
    with bind(member.organization.id):
        return f"members/{Membership.objects.get(user=member.user).pk}"


def roles_of(tenant):
    """Who is what, by address."""
    return {
        row["email"]: row["role"]
        for row in tenant.owner.get("members?page_size=100").json()["results"]
    }


def test_members_are_listed_with_their_person_and_role_and_found_by_their_membership(acme):
    page = acme.accountant.get("members").json()
    assert sorted(row["role"] for row in page["results"]) == sorted(ROLES)
    for row in page["results"]:
        assert row.keys() == WHOLE
        assert row["email"] == f"{row['role']}@acme.example"
        assert row["name"] == f"{row['role']} of Acme"
        assert acme.accountant.get(f"members/{row['id']}").json() == row
    assert {row["user"] for row in page["results"]} == {str(m.user.pk) for m in acme.members}


def test_members_are_sorted_by_name_over_several_pages(acme):
    seen, url = [], "members?ordering=name&page_size=2"
    while url:
        page = acme.owner.get(url).json()
        seen += [row["name"] for row in page["results"]]
        url = page["next"]
    assert seen == sorted(f"{role} of Acme" for role in ROLES)


def test_another_tenants_member_is_the_same_404_as_one_that_never_was(acme, globex):
    theirs = path_of(globex.clerk)
    for call in (
        lambda path: acme.owner.get(path),
        lambda path: acme.owner.patch(path, {"role": "viewer"}),
        lambda path: acme.owner.delete(path),
    ):
        one, other = call(theirs), call(f"members/{NOBODY}")
        assert one.status_code == other.status_code == 404
        assert one.json() | {"instance": ""} == other.json() | {"instance": ""}
    assert roles_of(globex)["clerk@globex.example"] == "clerk"


@pytest.mark.practice("AUTHZ-05")
def test_who_may_not_read_or_write_members_gets_403_and_changes_nothing(acme):
    path, before = path_of(acme.viewer), roles_of(acme)
    for member in (acme.clerk, acme.viewer):
        assert member.get("members").status_code == 403
        assert member.get(path).status_code == 403
    for member in (acme.accountant, acme.clerk, acme.viewer):
        assert member.patch(path, {"role": "clerk"}).status_code == 403
        assert member.delete(path).status_code == 403
    assert roles_of(acme) == before


def test_an_admin_moves_people_between_the_lesser_roles(acme):
    changed = acme.admin.patch(path_of(acme.viewer), {"role": "accountant"})
    assert changed.status_code == 200
    assert changed.json().keys() == WHOLE
    assert changed.json()["role"] == "accountant"
    [event] = acme.owner.get("audit-events?event=member.changed").json()["results"]
    assert event["data"] == {"before": "viewer", "after": "accountant"}
    assert event["user"] == str(acme.admin.user.pk)


@pytest.mark.practice("AUTHZ-06")
def test_a_demotion_acts_on_the_very_next_request_of_a_living_key(acme):
    assert acme.admin.get("members").status_code == 200
    assert acme.owner.patch(path_of(acme.admin), {"role": "clerk"}).status_code == 200
    refused = acme.admin.get("members")
    assert refused.status_code == 403
    assert refused.json()["code"] == "permission-denied"
    assert acme.admin.get("me").json()["role"] == "clerk"
    assert acme.admin.get("customers").status_code == 200


@pytest.mark.practice("AUTHZ-05")
def test_an_admin_can_neither_raise_nor_unmake_the_powerful(acme):
    before = roles_of(acme)
    for target, role in (
        (acme.admin, "owner"),  # themselves
        (acme.viewer, "owner"),
        (acme.viewer, "admin"),
        (acme.owner, "viewer"),
        (acme.admin, "viewer"),
    ):
        refused = acme.admin.patch(path_of(target), {"role": role})
        assert refused.status_code == 403
        assert refused.json()["code"] == "permission-denied"
    for target in (acme.owner, acme.admin):
        assert acme.admin.delete(path_of(target)).status_code == 403
    assert roles_of(acme) == before
    assert acme.owner.get("audit-events?event=member.changed").json()["results"] == []
    refusals = acme.owner.get("audit-events?event=request.refused").json()["results"]
    assert {entry["data"]["operation"] for entry in refusals} == {
        "members.partial_update",
        "members.destroy",
    }


def test_the_last_owner_can_neither_step_down_nor_go(acme):
    before = roles_of(acme)
    path = path_of(acme.owner)
    for refused in (acme.owner.patch(path, {"role": "admin"}), acme.owner.delete(path)):
        assert refused.status_code == 409
        assert refused.json()["code"] == "conflict"
    assert roles_of(acme) == before


def test_an_owner_makes_a_second_owner_and_may_then_step_down(acme):
    assert acme.owner.patch(path_of(acme.admin), {"role": "owner"}).status_code == 200
    assert acme.owner.patch(path_of(acme.owner), {"role": "viewer"}).status_code == 200
    assert acme.owner.get("members").status_code == 403
    assert acme.admin.patch(path_of(acme.admin), {"role": "viewer"}).status_code == 409


def test_an_owner_who_cannot_sign_in_does_not_count_as_the_one_who_is_left(acme):
    acme.owner.patch(path_of(acme.admin), {"role": "owner"})
    acme.admin.user.is_active = False
    acme.admin.user.save()
    assert acme.owner.delete(path_of(acme.owner)).status_code == 409
    assert acme.owner.delete(path_of(acme.admin)).status_code == 204


def test_an_owner_who_is_not_the_last_may_go_and_takes_their_own_key_along(acme):
    acme.owner.patch(path_of(acme.admin), {"role": "owner"})
    assert acme.owner.delete(path_of(acme.owner)).status_code == 204
    assert acme.owner.get("me").status_code == 401
    assert acme.admin.get("me").json()["role"] == "owner"


@pytest.mark.practice("AUTHN-16")
def test_a_removed_member_and_all_their_keys_are_out_at_the_next_request(acme):
    second = acme.clerk.with_scopes("customers:read")
    assert second.get("customers").status_code == 200
    assert acme.admin.delete(path_of(acme.clerk)).status_code == 204
    for credential in (acme.clerk, second):
        refused = credential.get("customers")
        assert refused.status_code == 401
        assert refused.json()["code"] == "invalid-token"
    assert "clerk@acme.example" not in roles_of(acme)
    with bind(acme.id):
        assert not ApiKey.objects.filter(creator=acme.clerk.user, revoked_at=None).exists()
    [removed] = acme.owner.get("audit-events?event=member.removed").json()["results"]
    assert removed["data"] == {"user": str(acme.clerk.user.pk)}
    revoked = acme.owner.get("audit-events?event=api-key.revoked").json()["results"]
    assert {entry["data"]["why"] for entry in revoked} == {"its maker left"}
    assert {entry["object"]["id"] for entry in revoked} == {
        str(acme.clerk.key.pk),
        str(second.key.pk),
    }


def test_a_person_removed_here_keeps_what_they_are_elsewhere(acme, globex):
    with bind(globex.id), trail.recording():
        services.add_member(None, acme.clerk.user, "viewer")
    key, secret = make_key(globex.id, acme.clerk.user, ["customers:read"])
    elsewhere = Member(globex, acme.clerk.user, "viewer", secret, key)
    assert acme.owner.delete(path_of(acme.clerk)).status_code == 204
    assert elsewhere.get("customers").status_code == 200


@pytest.mark.practice("INPUT-07")
@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"role": "root"}, "/role", "invalid-choice"),
        ({"role": "Owner"}, "/role", "invalid-choice"),
        ({"role": ["viewer"]}, "/role", "invalid-choice"),
        ({"role": None}, "/role", "null"),
        ({"role": "clerk", "user": NOBODY}, "/user", "unexpected-field"),
        ({"email": "me@acme.example"}, "/email", "unexpected-field"),
    ],
)
def test_what_is_no_role_changes_nothing(acme, body, pointer, code):
    before = roles_of(acme)
    refused = acme.owner.patch(path_of(acme.viewer), body)
    assert refused.status_code == 400
    assert [(e["pointer"], e["code"]) for e in refused.json()["errors"]] == [(pointer, code)]
    assert roles_of(acme) == before


def test_a_change_of_nothing_changes_nothing(acme):
    before = roles_of(acme)
    unchanged = acme.owner.patch(path_of(acme.viewer), {})
    assert unchanged.status_code == 200
    assert roles_of(acme) == before


@pytest.mark.usefixtures("committed")
def test_two_owners_who_demote_each_other_at_once_leave_one_owner(monkeypatch):
    acme = make_tenant("Acme")
    acme.owner.patch(path_of(acme.admin), {"role": "owner"})
    moves = [(acme.owner, path_of(acme.admin)), (acme.admin, path_of(acme.owner))]
    both_hold_their_row = Barrier(2)
    change_role = services.change_role

    def change_role_together(*args, **fields):
        with suppress(BrokenBarrierError):  # nobody comes, when the second waits for the first
            both_hold_their_row.wait(timeout=0.5)
        return change_role(*args, **fields)

    def demote(move):
        try:
            return move[0].patch(move[1], {"role": "viewer"}).status_code
        finally:
            connection.close()

    monkeypatch.setattr(services, "change_role", change_role_together)
    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(demote, moves))
    assert statuses in ([200, 403], [200, 409])
    with bind(acme.id):
        assert Membership.objects.filter(role="owner").count() == 1
