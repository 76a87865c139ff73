"""Services say what happened; the spine writes it as the last statement of the same transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from django.db import connection, models

from saas.audit import chain
from saas.audit.models import AuditEntry
from saas.context import Actor, traced
from saas.persistence.statements import Statement, made

_pending: ContextVar["Happened | None"] = ContextVar("trail", default=None)
_request_id: ContextVar[UUID | None] = ContextVar("request_id", default=None)


class NoTrail(RuntimeError):
    """Something worth recording happened where nobody would have written it down."""


class Happened(list[AuditEntry]):
    """The entries of a transaction, and a statement that remembers what they tell."""

    beside: Statement | None = None

    def taken(self) -> Statement | None:
        """The statement, for who runs it; it runs once."""
        beside, self.beside = self.beside, None
        return beside

    def forget(self) -> None:
        """Nothing has happened."""
        self.clear()
        self.beside = None


@contextmanager
def recording(request_id: str | None = None) -> Iterator[Happened]:
    """Collect what happens inside; `write()` hangs it on the chain. Background work writes at its
    end by itself, under the id of the request that asked for it.
    """
    if request_id is None and (trace := traced.get()):
        request_id = trace.request_id
    entries = Happened()
    token = _pending.set(entries)
    request = _request_id.set(UUID(request_id) if request_id else None)
    try:
        yield entries
        write()
    finally:
        _pending.reset(token)
        _request_id.reset(request)


def record(actor: Actor | None, event: str, row: models.Model | None = None, **data: Any) -> None:
    """Note an event for the end of this transaction. `data` holds names and ids, never personal
    values.

    Without an actor the system itself acted. Raises NoTrail outside `recording()`.
    """
    entries = _pending.get()
    if entries is None:
        raise NoTrail(f"{event} happened outside saas.audit.trail.recording().")
    principal = actor.principal if actor else None
    if actor and actor.approval:
        data["approval"] = str(actor.approval)
    entries.append(
        made(
            AuditEntry,
            event=str(event),
            principal_kind=principal.kind if principal else "system",
            principal_id=principal.id if principal else None,
            user_id=principal.user_id if principal else None,
            request_id=_request_id.get(),
            object_type=str(row._meta.model_name) if row is not None else "",
            object_id=row.pk if row is not None else None,
            data=data,
        )
    )


def write() -> None:
    """Hang what was collected on the chain, in order; the last statements before the commit."""
    happened = _pending.get()
    while happened:
        entry = happened.pop(0)
        chain.append(entry, None if happened else happened.taken())
    if happened is not None and (left := happened.taken()):  # no entry took it along
        with connection.cursor() as cursor:
            cursor.execute(*left)
