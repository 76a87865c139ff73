"""Who turns body logging on says why and has a second person; the organization is told at once."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.utils import timezone

from apps.bodies.recording import NOTE
from apps.organizations import queries
from saas.audit import trail
from saas.errors import invalid
from saas.persistence import letters

LONGEST = timedelta(minutes=60)


class BodyLoggingEvent(StrEnum):
    """What the trail says of it."""

    ON = "body-logging.on"
    OFF = "body-logging.off"


def longest() -> timedelta:
    """For how long it may be on at once: an hour, or less."""
    return min(LONGEST, getattr(settings, "SAAS_BODY_LOGGING_LONGEST", LONGEST))


def judge(*, lasts: timedelta, reason: str, by: str, approved_by: str) -> None:
    """Raises 400 for more than an hour, no reason, or the same person twice."""
    if not timedelta(0) < lasts <= longest():
        raise invalid("range", f"At most {longest().total_seconds() / 60:.0f} minutes.")
    if len(reason.strip()) < 10 or not by.strip() or not approved_by.strip():
        raise invalid("reason", "A reason in words is wanted, and who asks and who approves.")
    if by.strip().casefold() == approved_by.strip().casefold():
        raise invalid("approval", "Another person must approve.")


def turn_on(*, lasts: timedelta, reason: str, by: str, approved_by: str) -> datetime:
    """Log the bodies of the bound organization until the time that is given back. Raises as
    `judge`.
    """
    judge(lasts=lasts, reason=reason, by=by, approved_by=approved_by)
    until = timezone.now() + lasts
    said = {"reason": reason, "by": by, "approved_by": approved_by, "until": until.isoformat()}
    policy = queries.locked_policy()
    policy.switches[NOTE] = said
    policy.save()
    trail.record(None, BodyLoggingEvent.ON, policy, **said)
    tell_owners(
        "is being logged",
        f"Until {until:%Y-%m-%d %H:%M} UTC we log what your organization sends to the API and what "
        "it is answered: only fields that hold no words, no headers and no credentials.\n\n"
        f"Reason: {reason}\nAsked for by {by}, approved by {approved_by}.\n",
    )
    return until


def turn_off(*, by: str) -> bool:
    """End it early; tells whether it was on."""
    policy = queries.locked_policy()
    note = policy.switches.pop(NOTE, None)
    if note is None:
        return False
    policy.save()
    if datetime.fromisoformat(note["until"]) <= timezone.now():
        return False
    trail.record(None, BodyLoggingEvent.OFF, policy, by=by)
    tell_owners("is no longer logged", "It was turned off before its time.\n")
    return True


def note() -> dict[str, Any] | None:
    """What is noted of the bound organization, if it is on."""
    kept = queries.kept_policy().get(NOTE)
    return kept if kept and datetime.fromisoformat(kept["until"]) > timezone.now() else None


def tell_owners(what: str, text: str) -> None:
    """By mail, in the same transaction."""
    name = queries.organization().get().name
    letters.post_each(
        to=queries.owners().order_by("pk").values_list("user__email", flat=True),
        subject=f"What {name} sends to the API {what}",
        text=f"{text}\nThe audit trail of {name} holds this too.\n",
    )
