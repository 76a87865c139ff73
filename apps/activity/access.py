"""Who may read what happened."""

from enum import StrEnum

from saas.authorization.fields import FieldAccess
from saas.authorization.permissions import Permission


class Audit(Permission):
    """What may be done with the audit trail."""

    READ = "audit:read"


class Alerts(Permission):
    """What may be done with alerts."""

    READ = "alerts:read"


class AlertEvent(StrEnum):
    """What the trail says of alerts."""

    ACKNOWLEDGED = "alert.acknowledged"


AUDIT_FIELDS = FieldAccess(
    public=frozenset(
        {"id", "seq", "at", "event", "principal", "user", "request_id", "object", "data", "hash"}
    ),
    guarded={},
)
ALERT_FIELDS = FieldAccess(
    public=frozenset(
        {
            "id",
            "kind",
            "severity",
            "message",
            "subject",
            "data",
            "playbook",
            "count",
            "first_seen_at",
            "last_seen_at",
            "acknowledged_at",
            "acknowledged_by",
        }
    ),
    guarded={},
)
