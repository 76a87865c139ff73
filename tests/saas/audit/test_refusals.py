"""A refusal leaves a trace too: one entry a minute for each principal and operation, with a
count.
"""

import pytest
from django.db import OperationalError

from saas.audit import refusals
from tests.saas.audit.trails import entries, fault
from tests.saas.wire import refused

pytestmark = [pytest.mark.core, pytest.mark.practice("LOG-04"), pytest.mark.practice("AUTHZ-05")]

NEVER = "notes/00000000-0000-7000-8000-000000000000"


def told(tenant):
    """What the refusals' entries say."""
    return [
        (e.principal_id, e.data["operation"], e.data["code"], e.data["count"])
        for e in entries(tenant, refusals.EVENT)
    ]


def test_a_refusal_names_who_what_and_why_and_outlives_the_rollback(acme, time_machine):
    time_machine.move_to("2026-01-01T12:00:10Z", tick=False)
    refused(acme.viewer.post("notes", {"title": "CANARY"}), 403, "permission-denied")
    (entry,) = entries(acme, refusals.EVENT)
    assert entry.data == {
        "operation": "notes.create",
        "status": 403,
        "code": "permission-denied",
        "reason": "role-without:notes:write",
        "count": 1,
    }  # fmt: skip
    assert (entry.principal_id, entry.user_id) == (acme.viewer.key.pk, acme.viewer.user.pk)
    assert entry.request_id
    assert fault(acme) is None


def test_many_refusals_of_a_minute_are_one_entry_and_the_next_one_counts_them(acme, time_machine):
    time_machine.move_to("2026-01-01T12:00:10Z", tick=False)
    for _ in range(5):
        acme.viewer.post("notes", {"title": "x"})
    key = acme.viewer.key.pk
    assert told(acme) == [(key, "notes.create", "permission-denied", 1)]
    time_machine.move_to("2026-01-01T12:01:00Z", tick=False)
    acme.viewer.post("notes", {"title": "x"})
    acme.viewer.post("notes", {"title": "x"})
    assert [count for *_, count in told(acme)] == [1, 5]
    time_machine.move_to("2026-01-01T13:00:00Z", tick=False)
    acme.viewer.post("notes", {"title": "x"})
    assert [count for *_, count in told(acme)] == [1, 5, 2]


def test_principals_and_operations_are_counted_apart(acme):
    acme.viewer.post("notes", {"title": "x"})
    acme.viewer.delete(NEVER)
    acme.admin.with_scopes().get("notes")
    assert len(told(acme)) == 3
    assert [code for _, _, code, _ in told(acme)] == [
        "permission-denied", "permission-denied", "insufficient-scope"
    ]  # fmt: skip


def test_a_foreign_row_and_one_that_never_was_leave_the_same_entry(acme, globex, time_machine):
    theirs = acme.owner.post("notes", {"title": "x"}).json()["id"]
    data = []
    for minute, row in enumerate((f"notes/{theirs}", NEVER)):
        time_machine.move_to(f"2026-01-01T12:0{minute}:00Z", tick=False)
        globex.owner.get(row)
        data.append(entries(globex, refusals.EVENT)[-1].data)
    assert data[0] == data[1]
    assert entries(acme, refusals.EVENT) == []


def test_what_is_no_refusal_of_a_known_caller_leaves_no_entry(acme, stranger):
    stranger("GET", "notes")
    acme.owner.post("notes", {"nonsense": 1})
    acme.owner.call("PUT", "notes", {})
    acme.owner.get("nothing")
    assert told(acme) == []


def test_a_refusal_that_cannot_be_recorded_is_still_a_refusal(acme, monkeypatch, lines):
    def fails(*_):
        raise OperationalError("locked")

    monkeypatch.setattr(refusals, "_record", fails)
    refused(acme.viewer.post("notes", {"title": "x"}), 403, "permission-denied")
    assert lines[-1]["decision"] == "permission-denied"
