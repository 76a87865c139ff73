"""A task is enqueued as a row of our own database: one INSERT, which commits with the act or not at
all.
"""

from __future__ import annotations  # django.tasks takes its type parameters in stubs alone

import json
from typing import Any, NamedTuple

from django.tasks import Task, TaskResult, TaskResultStatus
from django.tasks.backends.base import BaseTaskBackend

from saas import custody
from saas.context import Trace, traced
from saas.persistence.models import OutboxEntry
from saas.tenancy.binding import bound_tenant_or_none

# The queue of tasks that reach out of the database: they run in no transaction, which would stay
# open while a stranger's server thinks, and they may run twice. All others run in one transaction,
# which also marks them done, so that their effect happens once.
OUTSIDE = "outside"


class Call(NamedTuple):
    """What a task was enqueued with, and by whose request, if by any."""

    args: list[Any]
    kwargs: dict[str, Any]
    trace: Trace | None


class OutboxBackend(BaseTaskBackend):
    """django.tasks on the outbox. A task is the tenant's that is bound when it is enqueued."""

    supports_defer = True

    def enqueue[**P, R](self, task: Task[P, R], args: Any, kwargs: Any) -> TaskResult[P, R]:
        """Put a task in. Its arguments must be what JSON can carry."""
        self.validate_task(task)
        entry = OutboxEntry(name=task.module_path, tenant_id=bound_tenant_or_none())
        entry.due_at = task.run_after or entry.created_at
        result = result_of(entry, task, list(args), dict(kwargs))
        arguments = json.dumps([result.args, result.kwargs, traced.get()]).encode()
        entry.payload = custody.lock(arguments, place_of(entry))
        entry.save(force_insert=True)
        return result


def call_of(entry: OutboxEntry) -> Call:
    """What the task was called with. Raises Unreadable when the row is not as it was put in."""
    args, kwargs, trace = json.loads(custody.unlock(bytes(entry.payload), place_of(entry)))
    return Call(args, kwargs, Trace(*trace) if trace else None)


def place_of(entry: OutboxEntry) -> bytes:
    """What the seal holds together: else who can write to the table could have the worker do their
    bidding, under any name and for any tenant.
    """
    return f"outbox:{entry.pk}:{entry.tenant_id}:{entry.name}".encode()


def result_of[**P, R](
    entry: OutboxEntry, task: Task[P, R], args: list[Any], kwargs: dict[str, Any]
) -> TaskResult[P, R]:
    """An entry as django.tasks speaks of it; no result is kept."""
    return TaskResult(
        task=task,
        id=str(entry.pk),
        status=TaskResultStatus.READY,
        enqueued_at=entry.created_at,
        started_at=None,
        finished_at=None,
        last_attempted_at=None,
        args=args,
        kwargs=kwargs,
        backend=task.backend,
        errors=[],
        worker_ids=[],
    )
