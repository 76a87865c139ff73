"""No act without its entry, no entry without its act, and no personal value in either."""

import contextlib

import pytest
from django.db import OperationalError, connection

from saas.audit import chain, trail
from saas.errors import Problem
from saas.persistence.statements import Statement
from saas.tenancy.binding import bind
from tests.cast import make_tenant
from tests.saas.audit.trails import entries, fault
from tests.saas.walls import write
from tests.saas.wire import refused
from tests.toy import services
from tests.toy.access import NoteEvent
from tests.toy.models import Note

pytestmark = [pytest.mark.core, pytest.mark.practice("LOG-04")]


def notes(tenant):
    """The titles of the tenant's notes."""
    with bind(tenant.id):
        return [note.title for note in Note.objects.order_by("id")]


def test_an_act_leaves_an_entry_that_says_who_did_what_to_which_row(acme):
    made = acme.clerk.post("notes", {"title": "secret title"})
    (entry,) = entries(acme, NoteEvent.CREATED)
    assert (entry.principal_kind, entry.principal_id) == ("api-key", acme.clerk.key.pk)
    assert entry.user_id == acme.clerk.user.pk
    assert (entry.object_type, str(entry.object_id)) == ("note", made.json()["id"])
    assert str(entry.request_id) == made["X-Request-Id"]
    assert entry.data == {}
    assert fault(acme) is None


def test_a_change_names_its_fields_and_holds_no_value(acme):
    note = write(acme)
    tag = acme.owner.get(f"notes/{note.pk}")["ETag"]
    acme.owner.patch(f"notes/{note.pk}", {"title": "CANARY", "body": "CANARY"}, If_Match=tag)
    (entry,) = entries(acme, NoteEvent.CHANGED)
    assert entry.data == {"fields": ["body", "title"]}
    assert "CANARY" not in str([e.__dict__ for e in entries(acme)])


def test_reading_personal_data_leaves_an_entry_for_who_really_saw_it(acme):
    note, empty = write(acme, body="private"), write(acme)
    for member, row in ((acme.viewer, note), (acme.clerk, note), (acme.owner, empty)):
        assert member.get(f"notes/{row.pk}").status_code == 200
    acme.owner.get("notes")
    assert entries(acme, "pii.accessed") == []
    acme.owner.get(f"notes/{note.pk}")
    (entry,) = entries(acme, "pii.accessed")
    assert (entry.object_id, entry.data) == (note.pk, {"fields": ["body"]})


@pytest.fixture
def acme_committed(committed):
    """Acme, really committed, so that a rollback is one."""
    return make_tenant("Acme")


def broken(*_, **__):
    raise OperationalError("the disk is full")


@pytest.mark.parametrize(
    ("place", "name"),
    [(chain, "append"), (services.trail, "record"), (connection, "commit")],
)
def test_when_the_entry_cannot_be_written_the_act_has_not_happened(
    acme_committed, monkeypatch, place, name
):
    before = len(entries(acme_committed))
    with monkeypatch.context() as patch:
        patch.setattr(place, name, broken)
        refused(acme_committed.owner.post("notes", {"title": "x"}), 503, "not-ready")
    assert notes(acme_committed) == []
    assert len(entries(acme_committed)) == before
    assert acme_committed.owner.post("notes", {"title": "y"}).status_code == 201
    assert fault(acme_committed) is None


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (RuntimeError(), 500, "internal-error"),
        (Problem("permission-denied"), 403, "permission-denied"),
    ],
    ids=["fault", "refusal"],
)
def test_when_the_act_fails_late_there_is_no_entry(
    acme_committed, monkeypatch, fault, status, code
):
    def fails_late(self, *_, **__):
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr("tests.toy.views.NoteViewSet.show", fails_late)
        refused(acme_committed.owner.post("notes", {"title": "x"}), status, code)
    assert notes(acme_committed) == []
    assert entries(acme_committed, NoteEvent.CREATED) == []


def test_an_act_that_forgot_its_event_is_not_done(acme_committed, monkeypatch):
    monkeypatch.setattr(services.trail, "record", lambda *_, **__: None)
    refused(acme_committed.owner.post("notes", {"title": "x"}), 500, "internal-error")
    assert notes(acme_committed) == []


def test_what_happens_outside_a_recording_cannot_be_forgotten(acme):
    with bind(acme.id), pytest.raises(trail.NoTrail):
        trail.record(acme.owner.actor, "note.created")


def test_background_work_writes_at_its_end_in_order_and_as_the_system(acme):
    with bind(acme.id), trail.recording():
        for number in range(3):
            trail.record(None, "note.created", number=number)
    written = entries(acme, "note.created")
    assert [entry.data["number"] for entry in written] == [0, 1, 2]
    assert {(e.principal_kind, e.principal_id, e.request_id) for e in written} == {
        ("system", None, None)
    }


@pytest.mark.parametrize("count", [0, 1, 3])
def test_what_remembers_the_act_is_done_once_and_with_its_last_entry(acme, count):
    note = write(acme)
    change = "UPDATE toy_note SET version = version + 1 WHERE id = %s"
    field = Note._meta.pk
    with bind(acme.id):
        with trail.recording() as happened:
            happened.beside = Statement(change, [field.get_db_prep_save(note.pk, connection)])
            for _ in range(count):
                trail.record(None, "note.created")
        assert Note.objects.get(pk=note.pk).version == note.version + 1
    assert len(entries(acme, "note.created")) == count
    assert fault(acme) is None


def test_what_is_forgotten_is_not_remembered_either(acme):
    with bind(acme.id), trail.recording() as happened:
        happened.beside = Statement("no statement at all", [])
        trail.record(None, "note.created")
        happened.forget()
    assert entries(acme, "note.created") == []


def test_work_that_fails_writes_nothing(acme_committed):
    before = len(entries(acme_committed))
    with contextlib.suppress(ZeroDivisionError), bind(acme_committed.id), trail.recording():
        trail.record(None, "note.created")
        raise ZeroDivisionError
    with bind(acme_committed.id), pytest.raises(trail.NoTrail):
        trail.record(None, "note.created")
    assert len(entries(acme_committed)) == before


def test_every_tenant_has_a_chain_of_its_own(acme, globex):
    acme.owner.post("notes", {"title": "x"})
    assert len(entries(acme)) == len(entries(globex)) + 1
    assert [entries(t)[0].seq for t in (acme, globex)] == [1, 1]
    assert fault(acme) is fault(globex) is None
