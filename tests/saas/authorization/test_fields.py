"""Which permission a field needs is declared once; reading and writing both look there."""

import pytest

from tests.saas.walls import write
from tests.saas.wire import refused
from tests.toy.access import NOTE_FIELDS, Notes

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHZ-11")]


def test_a_field_is_public_guarded_or_unknown(acme):
    assert NOTE_FIELDS.knows("title")
    assert NOTE_FIELDS.knows("body")
    assert not NOTE_FIELDS.knows("author")
    assert NOTE_FIELDS.visible(acme.owner.actor) == {"body"}
    assert NOTE_FIELDS.visible(acme.clerk.actor) == set()


@pytest.mark.parametrize("value", ["x", None, ""])
def test_who_may_not_see_a_field_may_not_write_it_either(acme, value):
    note = write(acme, "stays", body="private")
    tag = acme.clerk.get(f"notes/{note.pk}")["ETag"]
    answers = [acme.clerk.patch(f"notes/{note.pk}", {"title": "x", "body": value}, If_Match=tag)]
    if value != "":
        answers.append(acme.clerk.post("notes", {"title": "x", "body": value}))
        for answer in answers:
            document = refused(answer, 403, "guarded-field")
            assert [error["pointer"] for error in document["errors"]] == ["/body"]
    rows = acme.owner.get("notes").json()["results"]
    assert [row["title"] for row in rows] == ["stays"]
    assert acme.owner.get(f"notes/{note.pk}").json()["body"] == "private"


def test_a_scope_takes_the_field_away_from_who_holds_the_role(acme):
    note = write(acme, body="private")
    narrow = acme.owner.with_scopes(Notes.READ, Notes.WRITE)
    assert narrow.get(f"notes/{note.pk}").json().keys() == NOTE_FIELDS.public
    refused(narrow.post("notes", {"title": "x", "body": "y"}), 403, "guarded-field")
    assert narrow.post("notes", {"title": "x"}).status_code == 201


def test_the_row_is_found_before_its_fields_are_refused(acme):
    never = "notes/00000000-0000-7000-8000-000000000000"
    refused(acme.clerk.patch(never, {"body": "x"}, If_Match='"1"'), 404, "not-found")
    note = write(acme)
    refused(acme.clerk.patch(f"notes/{note.pk}", {"body": "x"}), 403, "guarded-field")


def test_what_a_form_calls_by_another_name_is_guarded_all_the_same():
    from saas.validation.inputs import Input

    class Renamed(Input):
        writes = {"text": "body"}

    assert Renamed.guarded_names({"text": 1, "title": 2}) == {"text": "body", "title": "title"}
