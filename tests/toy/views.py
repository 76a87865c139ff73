"""The notes of the caller's organization."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from saas.authorization.operations import Allow
from saas.view import SecureViewSet
from tests.toy import services
from tests.toy.access import NoteEvent, Notes, it_is_no_reply
from tests.toy.models import Note
from tests.toy.serializers import NoteFilters, NoteInput, NoteOutput


class NoteViewSet(SecureViewSet):
    """Notes: list, read, write, remove."""

    resource = "notes"
    operations = {
        "list": Allow(Notes.READ),
        "create": Allow(Notes.WRITE, event=NoteEvent.CREATED),
        "retrieve": Allow(Notes.READ),
        "partial_update": Allow(Notes.WRITE, precondition=True, event=NoteEvent.CHANGED),
        "destroy": Allow(Notes.WRITE, event=NoteEvent.DELETED),
    }
    inputs = {"create": NoteInput, "partial_update": NoteInput}
    outputs = NoteOutput
    filters = NoteFilters
    sortable = {"created_at": "created_at", "due_on": "due_on", "title": "title", "body": "body"}

    def rows(self) -> QuerySet[Note]:
        """The notes of the bound tenant."""
        return Note.objects.all()

    def create(self, request: Request, **_: Any) -> Response:
        """A new note."""
        return self.show(services.create_note(self.actor, **self.asked), status=201)

    def partial_update(self, request: Request, **_: Any) -> Response:
        """Some fields change."""
        return self.show(services.change_note(self.actor, self.row(), **self.asked))

    def destroy(self, request: Request, **_: Any) -> Response:
        """A note goes."""
        services.delete_note(self.actor, self.row())
        return Response(status=204)


class CopyViewSet(SecureViewSet):
    """The act of copying: it must not happen twice."""

    resource = "copies"
    operations = {
        "create": Allow(
            Notes.WRITE,
            when=it_is_no_reply,
            rate="sensitive",
            idempotent=True,
            event=NoteEvent.COPIED,
        )
    }
    outputs = NoteOutput

    def rows(self) -> QuerySet[Note]:
        """The notes of the bound tenant."""
        return Note.objects.all()

    def create(self, request: Request, **_: Any) -> Response:
        """One note more."""
        return self.show(services.copy_note(self.actor, self.row()), status=201)
