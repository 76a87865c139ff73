"""What staff may be let see, and what the trail says of it."""

from enum import StrEnum

from saas.authorization.fields import FieldAccess
from saas.authorization.permissions import known_permissions

# By their names, so that a new permission that is called anything else is not among them.
READ_SCOPES = sorted(
    scope for scope in known_permissions() if scope.partition(":")[2].split("-")[0] == "read"
)

SUPPORT_GRANT_FIELDS = FieldAccess(
    public=frozenset(
        {
            *("id", "reason", "scopes", "granted_by", "created_at", "expires_at", "revoked_at"),
            *("staff", "views", "last_used_at"),
        }
    ),
    guarded={},
)


class SupportEvent(StrEnum):
    """What the trail says of staff."""

    GRANTED = "support.granted"
    TAKEN_UP = "support.taken-up"
    VIEWED = "support.viewed"
    REVOKED = "support.revoked"
    EXPIRED = "support.expired"
