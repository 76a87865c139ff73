"""What can happen to an alert."""

import logging
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from apps.accounts.models import User
from apps.activity import queries
from apps.activity.access import AlertEvent
from apps.activity.models import Alert
from saas import alerts, counters
from saas.audit import trail
from saas.context import Actor
from saas.counters import Window
from saas.errors import Problem
from saas.persistence import letters
from saas.tenancy.binding import bind
from saas.tenancy.person import tenants_of

log = logging.getLogger("saas.house")
LONGEST = Alert._meta.get_field("message").max_length  # what others wrote may be longer


def raise_alert(
    tenant_id: UUID,
    kind: str,
    message: str,
    severity: str,
    about: alerts.About,
    data: dict[str, Any],
    **_: Any,
) -> None:
    """Keep what was noticed, and write to owners and admins when it is new."""
    subject = {"subject_type": about.type, "subject_id": about.id}
    with bind(tenant_id):
        while not seen_again(kind=kind, **subject):
            alert = Alert(kind=kind, severity=severity, data=data, **subject)
            alert.message = message[:LONGEST]
            alert.last_seen_at = alert.first_seen_at
            if insert(alert):
                tell(alert)
                return


def alert_of_guesses(name: str, **_: Any) -> None:
    """Sign-in was shut for a network that guessed (RATE-09): the organizations of the person who
    was guessed at last learn of it.
    """
    person = User.objects.filter(email__iexact=name).first()
    for tenant_id in tenants_of(person.pk) if person else []:
        alerts.alert(
            tenant_id,
            "sign-in.guessed",
            "Ten sign-ins in a row failed from one network, the last as one of your members. "
            "Nobody there can sign in for a quarter of an hour.",
            row=person,
        )


def tell_operators_of_guesses(network: str, **_: Any) -> None:
    """The house learns of it too: the guessed names may be nobody's (RATE-09)."""
    tell_operators(
        "sign-in.guessed",
        f"Ten sign-ins failed from the network {network} within five minutes. Nobody there can "
        "sign in for a quarter of an hour.",
    )


def tell_operators_of_stuffing(**_: Any) -> None:
    """Stolen passwords are tried at the whole house (RATE-07)."""
    tell_operators(
        "sign-in.stuffed",
        "Sign-in failed for so many names that lists of stolen passwords must be at work. Until "
        "that is over a password alone opens nothing in a new browser.",
    )


def tell_operators(kind: str, message: str) -> None:
    """Warn in the log, and write to SAAS_OPERATORS; not to each of a thousand networks' worth."""
    log.warning("%s: %s", kind, message)
    rate = settings.HOUSE_LETTERS
    [told] = counters.shared().take([Window(f"told:{kind}", rate.requests, rate.seconds)])
    to = [] if told.wait else settings.SAAS_OPERATORS
    letters.post_each(to=to, subject=f"Alert: {kind}", text=f"{message}\n")


def seen_again(**which: Any) -> bool:
    """Whether there is such an alert that nobody has acknowledged; then it counts on."""
    known = queries.alerts().filter(acknowledged_at=None, **which)
    return bool(known.update(count=F("count") + 1, last_seen_at=timezone.now()))


def insert(alert: Alert) -> bool:
    """Whether this made the row: of two at once, the second waits for the first and then finds it
    by `seen_again`.
    """
    Alert.objects.bulk_create([alert], ignore_conflicts=True)
    return queries.alerts().filter(pk=alert.pk).exists()


def tell(alert: Alert) -> None:
    """Write to everybody who can do something about it."""
    letters.post_each(
        to=queries.addresses_to_alert(),
        subject=f"Alert: {alert.kind}",
        text=(
            f"{alert.message}\n\n"
            f"Severity: {alert.severity}. Read and acknowledge it at\n"
            f"{settings.SAAS_ORIGIN}/api/v1/alerts/{alert.pk}\n"
            f"What to do: {alert.playbook or 'look, and ask who did it'}\n\n"
            "Until then the same thing only counts on, and nobody is written to again.\n"
        ),
    )


def acknowledge(actor: Actor, alert: Alert) -> Alert:
    """Close an alert. Raises 409 when somebody has done so already."""
    if alert.acknowledged_at:
        raise Problem("conflict", "This alert has been acknowledged already.")
    alert.acknowledged_at, alert.acknowledged_by_id = timezone.now(), actor.user_id
    alert.save(update_fields=["acknowledged_at", "acknowledged_by"])
    trail.record(actor, AlertEvent.ACKNOWLEDGED, alert, kind=alert.kind)
    return alert
