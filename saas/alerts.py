"""Something looks wrong here: any stage may say so, and who keeps the alerts listens."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import models
from django.dispatch import Signal


class Severity(StrEnum):
    """How soon somebody should look."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class About(NamedTuple):
    """What an alert is about where that is no row: a principal, a network."""

    type: str
    id: UUID


# Sent in the transaction of what was noticed, with `tenant_id`, `kind`, `message`, `severity`,
# `about` and `data`. A receiver that raises takes the act back with it.
noticed = Signal()

# kind -> what to do about it: docs/playbooks/<slug>.md. A module joins in AppConfig.ready().
PLAYBOOKS: dict[str, str] = {}


def playbook_of(kind: str) -> str | None:
    """The address of the page that says what to do, if there is one."""
    slug = PLAYBOOKS.get(kind)
    return f"{settings.SAAS_ORIGIN}/docs/playbooks/{slug}" if slug else None


# Sent with `principal_id`, `seconds` and `reason` by whoever wants a principal slowed down to a
# tenth for so long; who keeps limits may listen.
tightened = Signal()

# Sent with its tenant bound and a trail recording, with `tenant_id` and `reason`: nothing of this
# tenant should be served until people have looked. Who can shut it answers whether it is shut.
shut_asked = Signal()


def alert(
    tenant_id: UUID,
    kind: str,
    message: str,
    *,
    row: models.Model | None = None,
    about: About | None = None,
    severity: Severity = Severity.HIGH,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Raise an alert of a tenant. `kind` is `thing.what-happened`, `message` a sentence without
    personal data, `row` what it is about, or `about` where that is no row; without either it is
    about the tenant itself. `data` is shown beside it, and goes with it.

    The same kind about the same thing is one alert until somebody acknowledges it.
    """
    if row is not None:
        about = About(str(row._meta.model_name), row.pk)
    noticed.send(
        sender=None,
        tenant_id=tenant_id,
        kind=kind,
        message=message,
        severity=severity,
        about=about or About("organization", tenant_id),
        data=dict(data or {}),
    )
