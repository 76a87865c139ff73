"""Whoever works here may die at any moment: what they had claimed falls to another, and nothing is
lost.
"""

from __future__ import annotations  # django.tasks takes its type parameters in stubs alone

import json
import logging
import os
import random
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import close_old_connections, connection, transaction
from django.db.models import F, QuerySet
from django.tasks import Task, TaskContext
from django.utils import timezone
from django.utils.module_loading import import_string

from saas.alerts import Severity, alert
from saas.context import traced
from saas.persistence import schedule
from saas.persistence.models import OutboxEntry
from saas.persistence.outbox import OUTSIDE, call_of, result_of
from saas.tenancy.across_tenants import outbox_across_tenants
from saas.tenancy.binding import bind

log = logging.getLogger("saas.persistence")
work = logging.getLogger("saas.work")

POLL = 1.0  # seconds without work, before it looks again
LOOK_AT_THE_CLOCK = 10.0  # seconds between two looks at what is to be begun
LONGEST_TROUBLE = 30.0  # seconds, while the database does not answer

# As in saas.edge.log: each is given the line of an attempt after it was written.
LISTENERS: list[Callable[[dict[str, Any]], None]] = []
# Each is entered around the task, with the trace of its request known. A module joins both in
# AppConfig.ready(); it may neither wait for anybody nor raise.
AROUND: list[Callable[[OutboxEntry], AbstractContextManager[None]]] = []


HOLDS: list[Callable[[], bool]] = []  # who may say that no task of this database is to be done


class ClaimLost(Exception):
    """The lease ran out and another worker has taken the task: nothing of this attempt may stay."""


class GaveOut(Exception):
    """A task never came to an end, whoever tried: it may be what the workers died of."""


def holds() -> bool:
    """Whether nothing is to be done here."""
    return any(is_held() for is_held in HOLDS)


def claim() -> list[OutboxEntry]:
    """Take some of what is due, for the length of a lease. Two workers never take the same."""
    if holds():
        return []
    now = timezone.now()
    waiting = OutboxEntry.objects.filter(state=OutboxEntry.WAITING, due_at__lte=now)
    with outbox_across_tenants():
        due = waiting.order_by("due_at").select_for_update(skip_locked=True)
        entries = list(due[: settings.WORK.batch])
        OutboxEntry.objects.filter(pk__in=[entry.pk for entry in entries]).update(
            due_at=now + settings.WORK.lease, attempts=F("attempts") + 1
        )
    for entry in entries:
        entry.attempts += 1
    return entries


def perform(entry: OutboxEntry) -> None:
    """Do a claimed task for the request that enqueued it, and leave a line of the log."""
    token, started = traced.set(None), time.perf_counter()
    try:
        outcome = attempt(entry)
        write_line(entry, outcome, time.perf_counter() - started)
    finally:
        traced.reset(token)


def write_line(entry: OutboxEntry, outcome: str, took: float) -> None:
    """One line of JSON for each attempt, found by the ids of the request that it is owed to."""
    trace = traced.get()
    line = {
        "ts": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "request_id": trace and trace.request_id,
        "trace_id": trace and trace.trace_id,
        "org": str(entry.tenant_id) if entry.tenant_id else None,
        "task": entry.name,
        "task_id": str(entry.pk),
        "attempt": entry.attempts,
        "outcome": outcome,
        "duration_ms": round(took * 1000, 2),
    }
    work.info(json.dumps(line, ensure_ascii=True))
    for listener in LISTENERS:
        listener(line)


def attempt(entry: OutboxEntry) -> str:
    """How it ended. What a task raises is its failure, and not the worker's."""
    try:
        args, kwargs, trace = call_of(entry)
        traced.set(trace)  # the trail, and what is enqueued now, goes on with it
        if entry.attempts > settings.WORK.attempts:
            raise GaveOut
        task = import_string(entry.name)
        if task.takes_context:
            args = [TaskContext(task_result=result_of(entry, task, args, kwargs)), *args]
        way = run_outside if task.queue_name == OUTSIDE else run
        with ExitStack() as around:
            for joined in AROUND:
                around.enter_context(joined(entry))
            way(entry, task, args, kwargs)
    except ClaimLost:
        log.warning("task %s was taken by another worker", entry)
        return "lost"
    except Exception as fault:  # whatever a task raises
        fail(entry, fault)
        return "failed" if entry.attempts < settings.WORK.attempts else "dead"
    return "done"


def run(entry: OutboxEntry, task: Task[..., Any], args: Any, kwargs: Any) -> None:
    """In one transaction: the effect, and that it is done."""
    with transaction.atomic():
        hold(entry)  # locks the row until the commit: a lapsed lease brings nobody else in
        with bind(entry.tenant_id) if entry.tenant_id else nullcontext():
            task.call(*args, **kwargs)
        finish(entry)


def run_outside(entry: OutboxEntry, task: Task[..., Any], args: Any, kwargs: Any) -> None:
    """Without a transaction: the effect is elsewhere, and may come twice if the worker dies."""
    hold(entry)
    task.call(*args, **kwargs)
    finish(entry)


def hold(entry: OutboxEntry) -> None:
    """Begin the lease anew. Raises ClaimLost when it is another's."""
    change(entry, due_at=timezone.now() + settings.WORK.lease)


def finish(entry: OutboxEntry) -> None:
    """The task is done; nobody needs its arguments any more, which may be a secret."""
    change(entry, state=OutboxEntry.DONE, ended_at=timezone.now(), payload=b"", fault="")


def change(entry: OutboxEntry, **values: Any) -> None:
    """Change an entry that this worker has claimed. Raises ClaimLost when it is another's."""
    with outbox_across_tenants():
        held = claimed(entry).update(**values)
    if not held:
        raise ClaimLost


def claimed(entry: OutboxEntry) -> QuerySet[OutboxEntry]:
    """The entry, as long as the claim holds."""
    return OutboxEntry.objects.filter(
        pk=entry.pk, state=OutboxEntry.WAITING, attempts=entry.attempts
    )


def fail(entry: OutboxEntry, fault: Exception) -> None:
    """Try again later, each time a longer while later; in the end say that it cannot be done."""
    if not connection.in_atomic_block:  # as within a test
        connection.close_if_unusable_or_obsolete()  # the task may have lost it
    name = type(fault).__name__
    log.warning("task %s failed at attempt %d: %s", entry, entry.attempts, name)
    with transaction.atomic():
        with outbox_across_tenants():
            if entry.attempts < settings.WORK.attempts:
                claimed(entry).update(due_at=timezone.now() + pause(entry.attempts), fault=name)
                return
            died = claimed(entry).update(
                state=OutboxEntry.DEAD, ended_at=timezone.now(), fault=name
            )
        if died:
            bury(entry, name)


def pause(attempts: int) -> timedelta:
    """10, 20, 40 … seconds and at most an hour, by chance up to half of it less: what failed
    together does not come again together.
    """
    work = settings.WORK
    longest: timedelta = min(work.first_pause * 2 ** (attempts - 1), work.longest_pause)
    return longest * random.uniform(0.5, 1)  # noqa: S311  # nothing secret hangs on it


def bury(entry: OutboxEntry, fault: str) -> None:
    """Tell the tenant, once however many die, or the log where there is no tenant."""
    log.error("task %s is given up: %s", entry, fault)
    if entry.tenant_id:
        alert(
            entry.tenant_id,
            "task.dead",
            f"Something that we owe you could not be done in {settings.WORK.attempts} attempts"
            f" ({entry.name.rpartition('.')[2]}: {fault}).",
            severity=Severity.MEDIUM,
        )


def run_due() -> int:
    """Do everything that is due now, and what that makes due; tell how many tasks it was."""
    count = 0
    while entries := claim():
        for entry in entries:
            perform(entry)
        count += len(entries)
    return count


class Worker:
    """Works until somebody says stop, or until the process that started it is gone."""

    def __init__(self, parent: int | None = None) -> None:
        self.stop = threading.Event()
        self.parent = parent
        self.looks_again = 0.0

    def serve(self) -> None:
        """Work. A database that does not answer is waited for."""
        trouble = 0
        while not self.stop.is_set() and self.parent in (None, os.getppid()):
            try:
                self.begin_regular_work()
                rest = 0.0 if self.batch() else POLL
                trouble = 0
            except Exception as fault:  # whatever is wrong, the next look may find it mended
                log.warning("the worker waits: %s", type(fault).__name__)
                connection.close()
                rest = min(2.0**trouble, LONGEST_TROUBLE)
                trouble += 1
            close_old_connections()
            self.stop.wait(rest)

    def begin_regular_work(self) -> None:
        """Look at the clock now and then."""
        if time.monotonic() >= self.looks_again:
            if not holds():  # even what is due would be a row that the original has not
                schedule.begin_due()
            self.looks_again = time.monotonic() + LOOK_AT_THE_CLOCK

    def batch(self) -> bool:
        """Some tasks; when told to stop, finish the one at hand and put the others back."""
        entries = claim()
        while entries and not self.stop.is_set():
            perform(entries.pop(0))
            if not entries:
                return True
        for entry in entries:
            with outbox_across_tenants():
                claimed(entry).update(due_at=timezone.now(), attempts=F("attempts") - 1)
        return False
