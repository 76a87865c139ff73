"""Who writes a draft, and who sees the note inside the house."""

import pytest

from apps.organizations.models import ROLES
from tests.apps.invoices.drafts import (
    EVERYBODY,
    NOBODYS,
    body,
    drafted,
    in_role,
    issue,
    patch,
    post,
    rows_of,
)
from tests.cast import make_key

pytestmark = [pytest.mark.core]

MAY_READ_NOTES = ("accountant", "admin", "owner")
NOTE = "They haggle."


@pytest.fixture
def second_clerk(acme):
    """A colleague of the clerk's."""
    return in_role(acme.viewer, "clerk")


@pytest.mark.practice("AUTHZ-07")
def test_a_clerk_changes_their_own_drafts_and_no_colleagues(acme, customer, second_clerk):
    for maker in (acme.clerk, acme.accountant):
        draft = drafted(maker, customer)
        before = rows_of(acme)
        changed = patch(second_clerk, draft, {"note": "mine now"})
        deleted = second_clerk.delete(f"invoices/{draft['id']}")
        for answer in (changed, deleted):
            assert answer.status_code == 403
            assert answer.json()["code"] == "permission-denied"
        assert rows_of(acme) == before
    own = drafted(second_clerk, customer)
    assert patch(second_clerk, own, {"note": "mine"}).status_code == 200
    assert second_clerk.delete(f"invoices/{own['id']}").status_code == 204


@pytest.mark.practice("AUTHZ-07")
def test_the_trail_names_the_rule_that_refused(acme, customer, second_clerk):
    draft = drafted(acme.clerk, customer)
    patch(second_clerk, draft, {"note": "mine now"})
    acme.viewer.get("members")
    acme.owner.with_scopes("customers:read").get("members")
    refusals = acme.owner.get("audit-events?event=request.refused").json()["results"]
    assert [entry["data"]["reason"] for entry in refusals] == [
        "scope-missing:members:read",
        "role-without:members:read",
        "drafted-it-or-keeps-the-books",
    ]


@pytest.mark.practice("AUTHZ-07")
def test_a_draft_is_the_persons_whichever_key_they_hold(acme, customer):
    draft = drafted(acme.clerk, customer)
    other_key = acme.clerk.with_scopes("invoices:read", "invoices:draft")
    assert patch(other_key, draft, {"note": "x"}).status_code == 200
    assert other_key.delete(f"invoices/{draft['id']}").status_code == 204


@pytest.mark.practice("AUTHZ-07")
@pytest.mark.parametrize("role", MAY_READ_NOTES)
def test_who_keeps_the_books_changes_any_draft(acme, customer, role):
    member = getattr(acme, role)
    draft = drafted(acme.clerk, customer)
    assert patch(member, draft, {"note": "checked"}).status_code == 200
    assert member.delete(f"invoices/{draft['id']}").status_code == 204


@pytest.mark.practice("AUTHZ-07")
def test_a_key_of_the_accountants_that_only_drafts_still_keeps_the_books(acme, customer):
    draft = drafted(acme.clerk, customer)
    key = acme.accountant.with_scopes("invoices:read", "invoices:draft")
    assert patch(key, draft, {"note": "checked"}).status_code == 200


def test_a_viewer_writes_nothing(acme, customer):
    draft = drafted(acme.clerk, customer)
    before = rows_of(acme)
    refused = [
        post(acme.viewer, body(customer)),
        acme.viewer.patch(f"invoices/{draft['id']}", {"note": "x"}, If_Match='"1-0"'),
        acme.viewer.delete(f"invoices/{draft['id']}"),
    ]
    assert [answer.status_code for answer in refused] == [403] * 3
    assert rows_of(acme) == before


@pytest.mark.practice("AUTHZ-11")
@pytest.mark.parametrize("role", ROLES)
def test_each_role_sees_exactly_its_fields(acme, customer, role):
    draft = drafted(acme.owner, customer, internal_note=NOTE)
    member = getattr(acme, role)
    note = {"internal_note"} if role in MAY_READ_NOTES else set()
    one = member.get(f"invoices/{draft['id']}")
    [listed] = member.get("invoices").json()["results"]
    assert one.json().keys() == EVERYBODY | note
    assert listed.keys() == (EVERYBODY | note) - {"lines"}
    assert (NOTE in one.content.decode()) is (role in MAY_READ_NOTES)
    assert NOTE not in member.get("customers").content.decode()


@pytest.mark.practice("AUTHZ-11")
def test_a_note_that_was_never_written_is_null_for_whom_it_exists(acme, customer):
    assert drafted(acme.accountant, customer)["internal_note"] is None


@pytest.mark.practice("AUTHZ-11")
def test_a_key_without_the_scope_sees_what_a_viewer_sees(acme, customer):
    draft = drafted(acme.owner, customer, internal_note=NOTE)
    key = acme.owner.with_scopes("invoices:read")
    assert key.get(f"invoices/{draft['id']}").json().keys() == EVERYBODY


@pytest.mark.practice("AUTHZ-11")
def test_who_may_not_see_the_note_may_not_write_it(acme, customer):
    draft = drafted(acme.clerk, customer)
    before = rows_of(acme)
    made = post(acme.clerk, body(customer, internal_note="x"))
    changed = patch(acme.clerk, draft, {"internal_note": "x", "note": "y"})
    for answer in (made, changed):
        assert answer.status_code == 403
        assert answer.json()["code"] == "guarded-field"
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/internal_note"]
    assert rows_of(acme) == before


@pytest.mark.practice("AUTHZ-11")
def test_the_guard_of_a_field_tells_nothing_about_rows_that_are_not_there(acme, globex, customer):
    draft = drafted(acme.owner, customer)
    for answer in (
        globex.clerk.patch(f"invoices/{draft['id']}", {"internal_note": "x"}, If_Match='"1-0"'),
        acme.clerk.patch(f"invoices/{NOBODYS}", {"internal_note": "x"}, If_Match='"1-0"'),
    ):
        assert answer.status_code == 404


def test_a_refused_field_comes_before_the_state_of_the_row_and_after_whose_it_is(
    acme, customer, second_clerk
):
    own, theirs = drafted(second_clerk, customer), drafted(acme.clerk, customer)
    issue(acme, own)
    note = {"internal_note": "x"}
    assert patch(second_clerk, own, note).json()["code"] == "guarded-field"
    assert patch(second_clerk, theirs, note).json()["code"] == "permission-denied"
    without_tag = second_clerk.patch(f"invoices/{own['id']}", {"note": "x"})
    assert without_tag.status_code == 428
    assert patch(second_clerk, own, {"note": "x"}).status_code == 409


def test_another_key_of_another_person_is_another_hand(acme, customer, second_clerk):
    draft = drafted(acme.clerk, customer)
    key, secret = make_key(acme.id, second_clerk.user, ["invoices:read", "invoices:draft"])
    second_clerk.key, second_clerk.secret = key, secret
    assert patch(second_clerk, draft, {"note": "x"}).status_code == 403
