"""What goes out is an allowlist, and a field that the reader may not see is absent."""

from types import SimpleNamespace
from typing import Any

import pytest
from rest_framework import serializers

from saas.disclosure.outputs import Output, disclose_list
from tests.saas.walls import write
from tests.toy.access import NOTE_FIELDS
from tests.toy.serializers import NoteOutput

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHZ-11"), pytest.mark.practice("DATA-03")]

PUBLIC = {"id", "title", "due_on", "parent", "created_at"}


def test_each_role_sees_exactly_its_fields(acme):
    note = write(acme, body="private", author="nobody shows me")
    for role, expected in {
        "viewer": PUBLIC, "clerk": PUBLIC, "accountant": PUBLIC | {"body"},
        "admin": PUBLIC | {"body"}, "owner": PUBLIC | {"body"},
    }.items():  # fmt: skip
        assert getattr(acme, role).get(f"notes/{note.pk}").json().keys() == expected, role


def test_a_hidden_field_is_absent_and_not_null(acme):
    note = write(acme, body=None)
    assert acme.owner.get(f"notes/{note.pk}").json()["body"] is None
    assert "body" not in acme.viewer.get(f"notes/{note.pk}").json()


def test_every_answer_about_a_row_hides_it_alike(acme):
    note = write(acme, body="private")
    tag = acme.clerk.get(f"notes/{note.pk}")["ETag"]
    answers = [
        acme.clerk.post("notes", {"title": "x"}),
        acme.clerk.patch(f"notes/{note.pk}", {"title": "y"}, If_Match=tag),
        acme.clerk.post(f"notes/{note.pk}/copies", Idempotency_Key="k" * 16),
        acme.clerk.post(f"notes/{note.pk}/copies", Idempotency_Key="k" * 16),
    ]
    for answer in answers:
        assert answer.json().keys() == PUBLIC
        assert b"private" not in answer.content


def test_a_list_shows_the_summary_to_everybody(acme):
    write(acme, body="private")
    for member in acme.members:
        (row,) = member.get("notes").json()["results"]
        assert row.keys() == PUBLIC
    actor = acme.owner.actor
    assert NoteOutput.shown_to(actor) - NoteOutput.shown_to(actor, in_list=True) == {"body"}


def test_a_column_that_no_output_names_goes_nowhere(acme):
    note = write(acme, author="CANARY")
    for member in acme.members:
        for path in ("notes", f"notes/{note.pk}"):
            assert b"CANARY" not in member.get(path).content


class Person(Output):
    """A person, with what was given of them."""

    access = NOTE_FIELDS
    title = serializers.CharField()
    parent = serializers.CharField(required=False)  # type: ignore[assignment]  # as in the toy
    due_on = serializers.ListField(required=False)


def test_an_optional_field_is_absent_while_nothing_was_given(acme):
    def shown(**values):
        row: Any = SimpleNamespace(**{"title": "x", "parent": None, "due_on": []} | values)
        return disclose_list(Person, acme.owner.actor, [row])

    assert shown() == [{"title": "x"}]
    assert shown(title=None) == [{"title": None}]
    assert shown(parent="", due_on=[1]) == [{"title": "x", "parent": "", "due_on": [1]}]


def test_a_row_inside_another_shows_its_public_fields(acme):
    note = write(acme, body="private")
    assert NoteOutput().to_representation(note).keys() == PUBLIC
