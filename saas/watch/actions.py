"""What is done beyond telling: as far up the ladder as the kind asks for, and no further than the
organization allows.
"""

from enum import StrEnum
from typing import Any
from uuid import UUID

from django.conf import settings
from rest_framework.serializers import ValidationError

from saas.alerts import shut_asked, tightened
from saas.audit import trail
from saas.authentication.demands import Switch, complete
from saas.authentication.revocation import suspected
from saas.tenancy.binding import bind
from saas.tenancy.entrance import policy_of


class Rung(StrEnum):
    """Each holds all before it."""

    LOG = "log"  # a line of our own log
    NOTIFY = "notify"  # an alert, and letters
    TIGHTEN = "tighten"  # the caller's limits fall for an hour
    STEP_UP = "step-up"  # a person's tokens end, so that they sign in again
    REVOKE = "revoke"  # an API key, or a service's tokens, end too
    FREEZE = "freeze"  # nothing of the organization is served until people have looked


class WatchEvent(StrEnum):
    """What the trail says of what the watch did."""

    TIGHTENED = "watch.tightened"
    ENDED = "watch.ended"


LADDER = tuple(Rung)
TIGHT_FOR = 3600  # seconds
ALLOWED = [str(rung) for rung in LADDER[1:]]


def judge(data: Any) -> str:
    """A rung that an organization may choose: it cannot choose not to be told."""
    if data not in ALLOWED:
        raise ValidationError(f"Must be one of {', '.join(ALLOWED)}.", "invalid")
    return str(data)


RESPONSE = Switch(
    "watch_response",
    "notify",
    {
        "type": "string",
        "enum": ALLOWED,
        "description": "How far the watch may go by itself when a caller looks wrong: tell you, "
        "lower its limits for an hour, make a person sign in again, end the credential, or shut "
        "the whole organization until we have spoken to you.",
        "examples": ["tighten"],
    },
    judge,
)


def rung_of(kind: str, default: str) -> Rung:
    """How far up a kind asks for: as its detector says, or as SAAS_WATCH_ACTIONS does."""
    return Rung(getattr(settings, "SAAS_WATCH_ACTIONS", {}).get(kind, default))


def act(tenant_id: UUID, principal_id: UUID, kind: str, asked: Rung) -> Rung:
    """Climb inside the caller's transaction, and tell how far. Only a proved caller is acted upon:
    a mere network may be an office, and its people did nothing.

    A second time changes nothing: limits stay low, and what has ended has ended.
    """
    with bind(tenant_id), trail.recording():
        allowed = Rung(complete(policy_of(tenant_id))[RESPONSE.name])
        rung = min(asked, allowed, key=LADDER.index)
        about: dict[str, Any] = {"principal": str(principal_id), "reason": kind}
        if LADDER.index(rung) >= LADDER.index(Rung.TIGHTEN):
            tightened.send(sender=None, principal_id=principal_id, seconds=TIGHT_FOR, reason=kind)
            trail.record(None, WatchEvent.TIGHTENED, None, **about)
        if LADDER.index(rung) >= LADDER.index(Rung.STEP_UP):
            told = suspected.send(
                sender=None,
                principal_id=principal_id,
                reason=kind,
                person_only=rung == Rung.STEP_UP,
            )
            if any(ended for _, ended in told):
                trail.record(None, WatchEvent.ENDED, None, **about)
        if rung == Rung.FREEZE:
            told = shut_asked.send(sender=None, tenant_id=tenant_id, reason=kind)
            if not any(shut for _, shut in told):  # nobody here can
                rung = Rung.REVOKE
    return rung
