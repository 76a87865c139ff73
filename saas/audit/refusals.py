"""A refusal leaves a trace too: one entry a minute for each principal and operation, with a
count.
"""

import logging
from uuid import UUID

from django.db import DatabaseError
from django.utils import timezone

from saas.audit import trail
from saas.audit.models import RefusalTally
from saas.context import Actor
from saas.errors import Problem
from saas.tenancy.binding import bind

log = logging.getLogger("saas.audit")

EVENT = "request.refused"
RECORDED = frozenset({403, 404})


def record(actor: Actor, operation: str, problem: Problem, request_id: str) -> None:
    """Record a 403 or 404 inside a known tenant. Runs after the rollback, in a transaction of its
    own.

    Every 404 counts alike: asking whether the row exists elsewhere would itself be a leak.
    `count` is the number of refusals that the entry stands for: itself, and those since the last
    one.
    """
    if problem.status not in RECORDED:
        return
    try:
        _record(actor, operation, problem, request_id)
    except DatabaseError:
        # The caller hears the refusal all the same; the access log has its line.
        log.exception("a refusal could not be recorded")


def _record(actor: Actor, operation: str, problem: Problem, request_id: str) -> None:
    with bind(actor.tenant_id), trail.recording(request_id):
        count = _count(actor.principal.id, operation)
        if count is not None:
            trail.record(
                actor,
                EVENT,
                operation=operation,
                status=problem.status,
                code=problem.code,
                reason=problem.reason,
                count=count,
            )


def _count(principal_id: UUID, operation: str) -> int | None:
    """How many refusals an entry written now stands for, or None when this minute has its entry."""
    minute = timezone.now().replace(second=0, microsecond=0)
    tally, _ = RefusalTally.objects.select_for_update().get_or_create(
        principal_id=principal_id, operation=operation
    )
    stands_for = None if tally.minute == minute else 1 + tally.repeats
    tally.repeats = tally.repeats + 1 if stands_for is None else 0
    tally.minute = minute
    tally.save(update_fields=["minute", "repeats"])
    return stands_for
