"""What may be said of a note, on the way in and on the way out."""

from rest_framework import serializers

from saas.disclosure.outputs import Output
from saas.validation.fields import Day, Id, Text
from saas.validation.inputs import Filters, Input
from tests.toy.access import NOTE_FIELDS


class NoteInput(Input):
    """A note as it comes in."""

    title = Text(max_length=100)
    body = Text(max_length=2000, multiline=True, required=False, allow_null=True)
    due_on = Day(required=False, allow_null=True)
    parent = Id(required=False, allow_null=True)  # type: ignore[assignment]  # as below


class NoteFilters(Filters):
    """What a list of notes can be narrowed by."""

    title = Text(max_length=100, required=False)
    body = Text(max_length=2000, required=False)


class NoteOutput(Output):
    """A note as its reader may see it."""

    access = NOTE_FIELDS
    summary = frozenset({"body"})

    id = serializers.UUIDField()
    title = serializers.CharField()
    due_on = serializers.DateField(allow_null=True)
    parent = serializers.UUIDField(  # type: ignore[assignment]  # DRF's own `parent` is another thing
        source="parent_id", allow_null=True
    )
    created_at = serializers.DateTimeField()
    body = serializers.CharField(allow_null=True)
