"""Something looks wrong here: any stage may say so, and who keeps the alerts listens."""

from enum import StrEnum
from uuid import UUID

from django.db import models
from django.dispatch import Signal


class Severity(StrEnum):
    """How soon somebody should look."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


# Sent in the transaction of what was noticed, with `tenant_id`, `kind`, `message`, `severity` and
# `row`. A receiver that raises takes the act back with it.
noticed = Signal()


# Sent with `principal_id`, `seconds` and `reason` by whoever wants a principal slowed down to a
# tenth for so long; who keeps limits may listen.
tightened = Signal()


def alert(
    tenant_id: UUID,
    kind: str,
    message: str,
    *,
    row: models.Model | None = None,
    severity: Severity = Severity.HIGH,
) -> None:
    """Raise an alert of a tenant. `kind` is `thing.what-happened`, `message` a sentence without
    personal data, `row` what it is about; without one it is about the tenant itself.

    The same kind about the same row is one alert until somebody acknowledges it.
    """
    noticed.send(
        sender=None, tenant_id=tenant_id, kind=kind, message=message, row=row, severity=severity
    )
