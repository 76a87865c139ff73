"""The decision: scope, then role, then the row; and what nobody declared is denied."""

import itertools
from dataclasses import replace

import pytest

from saas.authorization.access import condition_name, permit, permit_row
from saas.authorization.operations import Allow
from saas.authorization.permissions import AnyCredential, known_permissions, roles_with
from saas.errors import Problem
from tests.saas.walls import write
from tests.saas.wire import refused
from tests.toy.access import Notes, it_is_no_reply
from tests.toy.roles import ROLES
from tests.toy.views import NoteViewSet

pytestmark = [pytest.mark.core]

READ = Allow(Notes.READ)


def actor(member, *scopes):
    """`member` with a credential of these scopes."""
    principal = replace(member.actor.principal, scopes=frozenset(scopes))
    return replace(member.actor, principal=principal)


def decision(who, rule):
    """The code of the refusal, or "allow"."""
    try:
        permit(who, rule)
    except Problem as problem:
        return problem.code
    return "allow"


@pytest.mark.practice("AUTHZ-01")
def test_what_nobody_declared_is_denied_to_everybody(acme, monkeypatch):
    assert decision(acme.owner.actor, None) == "permission-denied"
    left = {k: v for k, v in NoteViewSet.operations.items() if k != "list"}
    monkeypatch.setattr(NoteViewSet, "operations", left)
    refused(acme.owner.get("notes"), 403, "permission-denied")
    assert acme.owner.post("notes", {"title": "x"}).status_code == 201


@pytest.mark.practice("AUTHZ-05")
@pytest.mark.practice("AUTHZ-10")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("scoped", [True, False])
def test_a_right_is_in_the_role_and_in_the_scope_or_it_is_none(acme, role, scoped):
    member = getattr(acme, role)
    for permission in Notes:
        scopes = set(Notes) if scoped else set(Notes) - {permission}
        who = actor(member, *scopes)
        expected = permission in ROLES[role] and scoped
        assert who.may(permission) is expected
        assert (permission in who.permissions) is expected
        answer = "allow" if expected else "permission-denied" if scoped else "insufficient-scope"
        assert decision(who, Allow(permission)) == answer


@pytest.mark.practice("AUTHZ-10")
def test_a_missing_scope_is_named_in_the_challenge_and_comes_before_the_role(acme):
    with pytest.raises(Problem) as caught:
        permit(actor(acme.viewer), Allow(Notes.WRITE))
    assert caught.value.code == "insufficient-scope"
    assert caught.value.headers["WWW-Authenticate"].endswith(
        'error="insufficient_scope", scope="notes:write"'
    )


@pytest.mark.practice("AUTHZ-05")
def test_every_role_and_operation_over_http_agrees_with_the_page(acme):
    needs = {"GET": Notes.READ, "POST": Notes.WRITE}
    for role, (method, permission) in itertools.product(ROLES, needs.items()):
        member = getattr(acme, role)
        answer = member.call(method, "notes", {"title": "x"} if method == "POST" else None)
        assert (answer.status_code < 300) is (permission in ROLES[role]), (role, method)
        if answer.status_code >= 300:
            refused(answer, 403, "permission-denied")


@pytest.mark.practice("AUTHZ-08")
def test_a_scope_alone_gives_nothing_that_the_role_does_not_hold(acme):
    key = acme.viewer.with_scopes(*Notes, "api-keys:write", "organization:write")
    assert key.get("notes").status_code == 200
    refused(key.post("notes", {"title": "x"}), 403, "permission-denied")


@pytest.mark.practice("AUTHZ-08")
def test_any_credential_will_do_where_the_declaration_says_so_aloud(acme):
    assert decision(actor(acme.viewer), Allow(AnyCredential.ANY)) == "allow"
    assert AnyCredential.ANY not in known_permissions()


@pytest.mark.practice("AUTHZ-07")
def test_a_condition_is_held_against_the_row_and_named_in_words(acme):
    note = write(acme)
    reply = write(acme, parent=note)
    made, answer = (
        acme.owner.post(f"notes/{row.pk}/copies", Idempotency_Key=str(row.pk))
        for row in (note, reply)
    )
    assert made.status_code == 201
    document = refused(answer, 403, "permission-denied")
    assert document["detail"] == "Not permitted here: it is no reply."
    assert condition_name(Allow(Notes.READ, when=it_is_no_reply)) == "it is no reply"
    with pytest.raises(Problem):
        permit_row(acme.owner.actor, Allow(Notes.WRITE, when=it_is_no_reply), reply)
    permit_row(acme.owner.actor, READ, reply)


def test_the_row_comes_before_its_condition_and_the_permission_before_the_row(acme):
    reply = write(acme, parent=write(acme))
    never = "notes/00000000-0000-7000-8000-000000000000/copies"
    copy = {"Idempotency-Key": "k" * 16}
    refused(acme.viewer.post(never, **copy), 403, "permission-denied")
    refused(acme.owner.post(never, **copy), 404, "not-found")
    refused(acme.owner.post(f"notes/{reply.pk}/copies", **copy), 403, "permission-denied")


def test_the_page_of_roles_is_the_one_that_the_setting_names():
    assert known_permissions() == set(Notes)
    assert roles_with(Notes.READ_BODY) == ["accountant", "admin", "owner"]
    assert roles_with("nonsense") == []
