"""Who hears of what was found: the organization that it is about, else the house."""

import logging
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from saas.alerts import About, alert, playbook_of
from saas.persistence import letters
from saas.watch import actions
from saas.watch.detectors import Detector
from saas.watch.lines import Subject
from saas.watch.models import HouseAlert

log = logging.getLogger("saas.watch")
CALLERS = frozenset({"principal", "family"})  # upon which the ladder acts
KEPT = 3600.0  # seconds that a finding waits for a database that is away


@dataclass(frozen=True)
class Finding:
    """That a subject is over what a detector allows."""

    detector: Detector
    subject: Subject
    count: int
    request_ids: list[str]
    tenants: tuple[str, ...]  # that hear of it; none: the house alone
    since: float = field(default_factory=time.monotonic)

    @property
    def is_late(self) -> bool:
        """Whether nobody needs to hear of it any more."""
        return time.monotonic() - self.since > KEPT

    @property
    def data(self) -> dict[str, Any]:
        """What the alert shows beside its sentence. An address stands here, which goes with the
        alert, and never in the trail, which stays.
        """
        shown: dict[str, Any] = {"count": self.count, "request_ids": self.request_ids}
        if self.subject.type == "network":
            shown["network"] = self.subject.name
        return shown


def report(finding: Finding) -> None:
    """Write it down and send it: all of it, or nothing when the database fails."""
    detector, subject = finding.detector, finding.subject
    asked = actions.rung_of(detector.kind, detector.rung)
    if asked != actions.Rung.LOG:
        with transaction.atomic():
            tell(finding, asked)
    log.warning(
        "%s: %s %s, %d in %d s, as in requests %s",
        detector.kind,
        subject.type,
        subject.name,
        finding.count,
        detector.window,
        " ".join(finding.request_ids),
    )


def tell(finding: Finding, asked: actions.Rung) -> None:
    """Alerts, and what the kind asks for beyond them."""
    detector, subject = finding.detector, finding.subject
    if not subject.tenant:
        tell_the_house(finding)
    for tenant in finding.tenants:
        data = finding.data
        if subject.type in CALLERS:
            data["done"] = actions.act(UUID(tenant), subject.id, detector.kind, asked)
        alert(
            UUID(tenant),
            detector.kind,
            detector.means,
            about=About(subject.type, subject.id),
            severity=detector.severity,
            data=data,
        )
    if detector.tells_person:
        tell_person(finding)


def tell_person(finding: Finding) -> None:
    """A letter to the person whose tokens these were, where the caller is a person."""
    detector, subject = finding.detector, finding.subject
    for person in get_user_model().objects.filter(pk=subject.id, is_active=True):
        letters.post(
            to=person.email,
            subject="Something about your account looks unusual",
            text=(
                f"{detector.tells_person}\n"
                "If it was you, there is nothing to do. If not, change your password, and end what "
                "you do not know in your account.\n"
            ),
        )


def tell_the_house(finding: Finding) -> None:
    """One open row for each kind and subject; the operators are written to when it is new."""
    detector, subject = finding.detector, finding.subject
    which = {"kind": detector.kind, "subject": f"{subject.type} {subject.name}"}
    known = HouseAlert.objects.filter(closed_at=None, **which)
    if known.update(count=F("count") + 1, last_seen_at=timezone.now(), data=finding.data):
        return
    row = HouseAlert(severity=detector.severity, message=detector.means, data=finding.data, **which)
    HouseAlert.objects.bulk_create([row], ignore_conflicts=True)
    if not HouseAlert.objects.filter(pk=row.pk).exists():  # another process was first
        return
    letters.post_each(
        to=settings.SAAS_OPERATORS,
        subject=f"House alert: {detector.kind}",
        text=(
            f"{detector.means}\n\n{row.subject}: {finding.count} in {detector.window} s.\n"
            f"Requests: {' '.join(finding.request_ids)}\n"
            f"What to do: {playbook_of(detector.kind) or 'no playbook'}\n"
        ),
    )
