"""What can happen to a note."""

from typing import Any

from saas.audit import trail
from saas.context import Actor
from saas.errors import invalid
from tests.toy.access import NoteEvent
from tests.toy.models import Note


def create_note(actor: Actor, **fields: Any) -> Note:
    """A new note. Raises 400 when it answers a note that does not exist here."""
    note = Note()
    _assign(note, fields)
    note.save(force_insert=True)
    trail.record(actor, NoteEvent.CREATED, note)
    return note


def change_note(actor: Actor, note: Note, **fields: Any) -> Note:
    """Change some fields. Raises 400 as `create_note` does."""
    _assign(note, fields)
    note.version += 1
    note.save()
    trail.record(actor, NoteEvent.CHANGED, note, fields=sorted(fields))
    return note


def delete_note(actor: Actor, note: Note) -> None:
    """Remove a note and its replies."""
    trail.record(actor, NoteEvent.DELETED, note)
    note.delete()


def copy_note(actor: Actor, note: Note) -> Note:
    """The same note once more."""
    copy = Note(title=note.title, body=note.body)
    copy.save(force_insert=True)
    trail.record(actor, NoteEvent.COPIED, copy)
    return copy


def _assign(note: Note, fields: dict[str, Any]) -> None:
    parent = fields.get("parent")
    if parent and not Note.objects.filter(pk=parent).exists():
        raise invalid("not-found", "There is no such note.", pointer="/parent")
    for name, value in fields.items():
        setattr(note, "parent_id" if name == "parent" else name, value)
