"""Who may read what happened."""

from saas.authorization.fields import FieldAccess
from saas.authorization.permissions import Permission


class Audit(Permission):
    """What may be done with the audit trail."""

    READ = "audit:read"


class Alerts(Permission):
    """What may be done with alerts."""

    READ = "alerts:read"


AUDIT_FIELDS = FieldAccess(
    public=frozenset(
        {"id", "seq", "at", "event", "principal", "user", "request_id", "object", "data", "hash"}
    ),
    guarded={},
)
