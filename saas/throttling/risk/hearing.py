"""What this process hears and says: the one place that holds its scores."""

import time
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from saas.alerts import About, Severity
from saas.context import Principal
from saas.throttling.risk import sharing
from saas.throttling.risk.known import KnownCredentials
from saas.throttling.risk.rules import OF_AN_ALERT, Line
from saas.throttling.risk.scores import TRUST, Event, Scores

scores = Scores()
known = KnownCredentials()


def line(heard: Line) -> None:
    """A line of the access log."""
    scores.hear(heard)
    sharing.start(scores)


def alert(tenant_id: UUID, kind: str, severity: Severity, about: About, **_: Any) -> None:
    """An alert about a principal (a key, a person) speaks against it."""
    if about.id != tenant_id:
        points = OF_AN_ALERT[Severity(severity)]
        scores.note(Event(str(about.id), str(tenant_id), time.time(), f"alert {kind}", points))
        sharing.start(scores)


def tighten(principal_id: UUID, seconds: float, reason: str, **_: Any) -> None:
    """Somebody wants this principal at a tenth for a while."""
    now = time.time()
    held = Event(str(principal_id), None, now, f"tightened: {reason}", 0.0, until=now + seconds)
    scores.note(held)
    sharing.start(scores)


def factor(request: HttpRequest, principal: Principal) -> float:
    """By how much the limits of this principal are moved. Who is trusted is remembered, because
    they were proved a moment ago.
    """
    moved = scores.factor(str(principal.id))
    if moved > TRUST:
        known.remember(request, principal)
    return moved


def may_pass(request: HttpRequest) -> bool:
    """Whether the request shows what was proved lately, of somebody who is trusted."""
    principal = known.principal_of(request)
    return principal is not None and scores.is_trusted(principal)
