"""Who may see and change a note."""

from enum import StrEnum
from typing import Any

from saas.authorization.fields import FieldAccess
from saas.authorization.permissions import Permission
from saas.context import Actor


class Notes(Permission):
    """What may be done with notes."""

    READ = "notes:read"
    READ_BODY = "notes:read-body"
    WRITE = "notes:write"


class NoteEvent(StrEnum):
    """What the trail says of a note."""

    CREATED = "note.created"
    CHANGED = "note.changed"
    DELETED = "note.deleted"
    COPIED = "note.copied"


NOTE_FIELDS = FieldAccess(
    public=frozenset({"id", "title", "due_on", "parent", "created_at"}),
    guarded={"body": Notes.READ_BODY},
    personal=frozenset({"body"}),
)


def it_is_no_reply(actor: Actor, note: Any) -> bool:
    """A reply is copied with what it answers, or not at all."""
    return note.parent_id is None
