"""SQL that is compiled once is nobody's: whoever runs it fills in their own tenant."""

import re

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, connection, transaction
from django.db.models import F, Value

from saas.ids import uuid7
from saas.persistence.texts import ID, Text
from saas.tenancy.binding import TenantNotBound, bind, for_nobody
from tests.saas.walls import write
from tests.saas.wire import refused, statements
from tests.toy.models import Note
from tests.toy.views import NoteViewSet

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHZ-02")]


def every_note():
    """The text of all notes."""
    return Text.of(lambda: Note.objects.order_by("id"))


def titles(text, tenant, **values):
    """What a tenant reads by it."""
    with bind(tenant.id):
        return [note.title for note in text.run(**values)]


def test_two_tenants_in_turn_read_their_own_by_one_text(acme, globex):
    for tenant, title in ((acme, "of Acme"), (globex, "of Globex")):
        write(tenant, title)
    with bind(acme.id):
        text = every_note()  # even where somebody is bound, nobody's id gets into it
    for _ in range(3):
        assert titles(text, acme) == ["of Acme"]
        assert titles(text, globex) == ["of Globex"]
    said = repr((text.sql, text.blanks))
    for tenant in (acme, globex):
        assert str(tenant.id) not in said
        assert tenant.id.hex not in said
    assert [blank.name for blank in text.blanks] == ["tenant"]


def test_over_http_too_for_lists_pages_and_rows(acme, globex, monkeypatch):
    monkeypatch.setattr(NoteViewSet, "hot", frozenset({"list", "retrieve"}))
    made = {
        t.id: sorted((write(t, f"{n} of {t.name}") for n in range(3)), key=lambda note: note.pk)
        for t in (acme, globex)
    }  # of one millisecond they are in any order
    mine = {id: [note.title for note in reversed(notes)] for id, notes in made.items()}
    cursors = {}
    for _ in range(2):
        for tenant, other in ((acme, globex), (globex, acme)):
            answer = tenant.owner.get("notes?page_size=2").json()
            assert [note["title"] for note in answer["results"]] == mine[tenant.id][:2]
            cursors[tenant.id] = answer["next"].partition("?")[2]
            onwards = tenant.owner.get(f"notes?{cursors[tenant.id]}").json()
            assert [note["title"] for note in onwards["results"]] == mine[tenant.id][2:]
            back = tenant.owner.get("notes?" + onwards["previous"].partition("?")[2]).json()
            assert [note["title"] for note in back["results"]] == mine[tenant.id][:2]
            [first, *_] = made[tenant.id]
            assert tenant.owner.get(f"notes/{first.pk}").json()["title"] == first.title
            refused(other.owner.get(f"notes/{first.pk}"), 404, "not-found")


def test_with_nobody_bound_there_is_no_answer(db):
    text = every_note()
    with pytest.raises(TenantNotBound), statements() as sent:
        text.run()
    assert sent == []


def test_a_blank_cannot_be_sent_by_mistake(acme):
    refused_by = pytest.raises((DatabaseError, TenantNotBound))
    with bind(acme.id), for_nobody(), refused_by, transaction.atomic():
        list(Note.objects.all())


def test_a_text_that_holds_a_value_of_its_own_is_none(acme):
    for build in (
        lambda: Note.objects.filter(title="somebody's"),
        lambda: Note.objects.annotate(who=Value("somebody's")),
        lambda: Note.objects.annotate(again=F("title")),
        lambda: Note.objects.select_related("parent"),
    ):
        with pytest.raises(TypeError):
            Text.of(build)


def test_rows_that_ask_who_calls_cannot_be_compiled(acme):
    class Mine(NoteViewSet):
        def rows(self):
            return super().rows().filter(author=self.actor.role)

    with pytest.raises(AttributeError):
        Mine.text_of_page(onwards=False, back=False, size=50)
    with pytest.raises(AttributeError):
        Mine.text_of_one()


def test_it_says_what_the_queryset_would_have_said(acme):
    note = write(acme, body="private")
    text = NoteViewSet.text_of_one()
    with bind(acme.id):
        with statements() as by_text:
            read = text.one(note.pk)
        with statements() as by_queryset:
            expected = Note.objects.get(pk=note.pk)
        said, expected_said = (
            re.sub("[()]| LIMIT 21", "", sql) for [sql] in (by_text, by_queryset)
        )
        assert said == expected_said
        assert read == expected
        assert {**vars(read), "_state": 0} == {**vars(expected), "_state": 0}
        assert (read._state.adding, read._state.db) == (False, connection.alias)
        with pytest.raises(ObjectDoesNotExist):
            text.one(uuid7())


def test_a_row_of_a_text_can_be_changed_and_saved(acme):
    note = write(acme, "before")
    with bind(acme.id):
        read = NoteViewSet.text_of_one().one(note.pk)
        read.title = "after"
        read.save()
        assert Note.objects.get(pk=note.pk).title == "after"


def test_a_column_that_was_left_out_is_fetched_when_it_is_read(acme):
    note = write(acme, "late")
    text = Text.of(lambda: Note.objects.defer("title").filter(pk=ID))
    with bind(acme.id):
        assert text.one(note.pk).title == "late"
