"""API5, broken function level authorization: Mallory is a viewer, then an admin, then the holder of
a narrow key, and each time she reaches for the next rung of the ladder.
"""

from itertools import product
from typing import Any

import pytest

from apps.organizations.models import ROLES
from saas.authorization.permissions import known_permissions
from saas.context import roles
from tests.attacks.surface import ABSENT, WRITES, changes, database
from tests.cast import KEY
from tests.matrix.samples import LINE, customer, filled, made

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHZ-05")]


def membership(tenant, role):
    """The id of the membership that has this role."""
    rows = tenant.owner.get("members").json()["results"]
    return next(row["id"] for row in rows if row["role"] == role)


def test_a_viewer_writes_nothing_and_a_lower_role_only_what_is_its_own(acme, shot):
    shots = [(operation, shot(operation)) for operation in WRITES]
    before = database(acme)
    for (operation, right), member in product(shots, acme.members):
        if not roles()[member.role] & {*operation.rule.permissions}:
            answer = right.by(member)
            assert (answer.status_code, answer.json()["code"]) == (403, "permission-denied")
        if member.role == "viewer":
            assert right.by(member).status_code == 403, operation
    assert not changes(before, database(acme))


@pytest.mark.practice("AUTHZ-10")
def test_a_key_with_one_scope_writes_what_needs_that_scope_and_nothing_else(acme):
    keys = {scope: acme.owner.with_scopes(scope) for scope in sorted(known_permissions())}
    for operation, (scope, narrow) in product(WRITES, keys.items()):
        if scope in operation.rule.permissions:
            continue
        path = filled(operation.path, ABSENT)
        answer = narrow.call(operation.method, path)
        assert (answer.status_code, answer.json()["code"]) == (403, "insufficient-scope")


@pytest.mark.parametrize("role", ROLES[1:])
def test_nobody_raises_themselves_or_anybody_to_more_than_an_owner_grants(role, acme):
    member = getattr(acme, role)
    own, owners = membership(acme, role), membership(acme, "owner")
    before = database(acme)
    attempts = [member.patch(f"members/{own}", {"role": rank}) for rank in ("owner", "admin")]
    attempts += [member.patch(f"members/{owners}", {"role": "viewer"})]
    attempts += [member.delete(f"members/{owners}")]
    attempts += [
        member.post("invitations", {"email": f"{rank}@nowhere.example", "role": rank})
        for rank in ("owner", "admin")
    ]
    attempts += [member.patch("organization", {"name": "mine"})]
    assert {attempt.status_code for attempt in attempts} == {403}
    assert not changes(before, database(acme))


def test_a_key_for_members_alone_makes_nobody_an_owner(acme):
    narrow = acme.owner.with_scopes("members:read", "members:write")
    before = database(acme)
    attempts = [narrow.delete(f"members/{membership(acme, 'admin')}")]
    for rank in ("owner", "admin"):
        asked = {"email": "mallory@nowhere.example", "role": rank}
        attempts += [narrow.post("invitations", asked)]
        attempts += [narrow.patch(f"members/{membership(acme, 'viewer')}", {"role": rank})]
    for attempt in attempts:
        assert (attempt.status_code, attempt.json()["code"]) == (403, "insufficient-scope")
        assert 'scope="organization:write"' in attempt["WWW-Authenticate"]
    assert not changes(before, database(acme))
    promoted = narrow.patch(f"members/{membership(acme, 'viewer')}", {"role": "accountant"})
    assert promoted.status_code == 200


def test_an_admin_undoes_no_admin_and_no_invitation_of_one(acme):
    asked = {"email": "second@acme.example", "role": "admin"}
    invitation = made(acme.owner.post("invitations", asked))
    before = database(acme)
    assert acme.admin.delete(f"invitations/{invitation}").status_code == 403
    assert acme.admin.delete(f"members/{membership(acme, 'admin')}").status_code == 403
    own = membership(acme, "admin")
    assert acme.admin.patch(f"members/{own}", {"role": "viewer"}).status_code == 403
    assert not changes(before, database(acme))


@pytest.mark.practice("AUTHN-05")
@pytest.mark.parametrize("role", ["owner", "admin"])
def test_a_key_makes_no_key_that_is_stronger_than_itself(role, acme):
    member = getattr(acme, role)
    narrow = member.with_scopes("api-keys:write", "customers:read")
    before = database(acme)
    for scope in known_permissions() - {"api-keys:write", "customers:read"}:
        for scopes in ([scope], ["customers:read", scope], [scope, scope]):
            answer = narrow.post("api-keys", {"name": "ladder", "scopes": scopes})
            assert answer.status_code == 403, scope
            assert "secret" not in answer.json()
    odd: list[Any] = ["customers:read", {"customers:read": True}, 1, [None], [1], [[]]]
    odd += [["*"], ["all"], ["any"], ["Customers:read"], ["customers:*"], ["customers:read "]]
    for scopes in odd:
        answer = narrow.post("api-keys", {"name": "x", "scopes": scopes})
        assert answer.status_code == 400, scopes
    assert not changes(before, database(acme))


@pytest.mark.practice("AUTHN-05")
def test_an_admin_makes_and_rotates_no_key_with_a_right_of_the_owner(acme):
    strong = acme.owner.post("api-keys", {"name": "strong", "scopes": ["organization:write"]})
    before = database(acme)
    asked = {"name": "ladder", "scopes": ["organization:write"]}
    assert acme.admin.post("api-keys", asked).status_code == 403
    rotated = acme.admin.post(f"api-keys/{strong.json()['id']}/rotation")
    assert rotated.status_code == 403
    assert "sr_live_" not in rotated.content.decode()
    assert not changes(before, database(acme))


@pytest.mark.practice("AUTHN-05")
def test_a_narrow_key_rotates_no_stronger_one_and_so_never_learns_its_secret(acme):
    narrow = acme.owner.with_scopes("api-keys:write")
    before = database(acme)
    for member in acme.members:
        answer = narrow.post(f"api-keys/{member.key.pk}/rotation", {"overlap_hours": 0})
        assert answer.status_code == 403
    assert not changes(before, database(acme))
    assert acme.owner.get("me").status_code == 200


@pytest.mark.practice("AUTHZ-06")
def test_a_key_falls_with_its_maker_and_rises_with_nobody(acme):
    key = acme.admin.with_scopes(*known_permissions())
    assert key.get("audit-events").status_code == 200
    acme.owner.patch(f"members/{membership(acme, 'admin')}", {"role": "clerk"})
    refused = [key.get("audit-events"), key.post("api-keys", {"name": "too late"})]
    assert {answer.status_code for answer in refused} == {403}
    assert set(key.get("me").json()["permissions"]) == roles()["clerk"]


def test_the_rotated_key_of_somebody_else_is_worth_what_its_rotator_is(acme):
    made_by_owner = acme.owner.post("api-keys", {"name": "x", "scopes": ["members:write"]}).json()
    successor = acme.admin.post(f"api-keys/{made_by_owner['id']}/rotation").json()
    answer = acme.owner.client.get(
        "/api/v1/me", headers={"X-API-Key": successor["secret"]}, secure=True
    ).json()
    assert answer["role"] == "admin"
    assert answer["permissions"] == ["members:write"]


@pytest.mark.practice("AUTHZ-07")
def test_a_clerk_touches_no_draft_but_their_own_under_any_key_or_verb(acme):
    body = {"customer": customer(acme), "currency": "EUR", "lines": [LINE]}
    theirs = made(acme.accountant.post("invoices", body, Idempotency_Key=KEY))
    tag = acme.clerk.get(f"invoices/{theirs}")["ETag"]
    before = database(acme)
    for headers in ({}, {"X_HTTP_Method_Override": "GET"}, {"If_Match": tag}):
        patched = acme.clerk.patch(f"invoices/{theirs}", {"note": "mine"}, **headers)
        assert patched.status_code == 403
        assert acme.clerk.delete(f"invoices/{theirs}", **headers).status_code == 403
    assert not changes(before, database(acme))


@pytest.mark.practice("X-18")
def test_a_reader_cannot_turn_a_read_into_a_write(acme):
    id = customer(acme)
    before = database(acme)
    headers = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method")
    for header, verb in product(headers, ("DELETE", "PATCH", "POST", "PUT")):
        read = acme.owner.call("GET", f"customers/{id}", **{header: verb})
        assert read.status_code == 200
        assert acme.owner.get(f"customers/{id}?_method={verb}").status_code == 400
        assert acme.viewer.call("POST", "customers", {}, **{header: "GET"}).status_code == 403
    assert not changes(before, database(acme))
