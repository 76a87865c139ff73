"""Who may see and make the credentials that other systems hold."""

from enum import StrEnum

from saas.authorization.fields import FieldAccess
from saas.authorization.permissions import Permission


class Integrations(Permission):
    """What may be done with the list of what is connected."""

    READ = "integrations:read"


class ApiKeys(Permission):
    """What may be done with API keys."""

    WRITE = "api-keys:write"


class Webhooks(Permission):
    """What may be done with the addresses that are told of events."""

    WRITE = "webhooks:write"


class Exports(Permission):
    """What may be done to take data out in bulk."""

    CREATE = "exports:create"


class KeyEvent(StrEnum):
    """What the trail says of an API key."""

    CREATED = "api-key.created"
    ROTATED = "api-key.rotated"
    REVOKED = "api-key.revoked"
    EXPOSED = "api-key.exposed"
    USED_ELSEWHERE = "api-key.used-elsewhere"
    HONEYTOKEN_USED = "api-key.honeytoken-used"


class GrantEvent(StrEnum):
    """What the trail says of what a person allowed a client."""

    APPROVED = "oauth-grant.approved"
    REVOKED = "oauth-grant.revoked"
    REPLAYED = "oauth-grant.replayed"
    EXPOSED = "oauth-grant.exposed"


class ClientEvent(StrEnum):
    """What the trail says of a client that acts for itself."""

    TOKEN_EXPOSED = "oauth-client.token-exposed"  # noqa: S105  # the name of an event


# What to do when one of these becomes an alert: docs/playbooks/<slug>.md.
PLAYBOOKS: dict[str, str] = {
    KeyEvent.EXPOSED: "exposed-credential",
    KeyEvent.USED_ELSEWHERE: "key-used-elsewhere",
    KeyEvent.HONEYTOKEN_USED: "honeytoken-used",
    GrantEvent.REPLAYED: "replayed-token",
    GrantEvent.EXPOSED: "exposed-credential",
    ClientEvent.TOKEN_EXPOSED: "exposed-credential",
}

API_KEY_FIELDS = FieldAccess(
    public=frozenset(
        {
            "id",
            "name",
            "prefix",
            "scopes",
            "allowed_networks",
            "honeytoken",
            "expires_at",
            "created_at",
            "last_used_at",
        }
    ),
    guarded={},
)
INTEGRATION_FIELDS = FieldAccess(
    public=frozenset(
        {
            "id",
            "kind",
            "name",
            "scopes",
            "created_by",
            "approved_by",
            "created_at",
            "expires_at",
            "last_used_at",
        }
    ),
    guarded={},
)
