"""Who may see and change an organization and its members."""

from enum import StrEnum

from saas.authentication.demands import SWITCHES
from saas.authorization.fields import FieldAccess
from saas.authorization.permissions import Permission


class Organizations(Permission):
    """What may be done with the organization itself."""

    WRITE = "organization:write"


class Members(Permission):
    """What may be done with members and invitations."""

    READ = "members:read"
    WRITE = "members:write"


class Security(Permission):
    """What may be done with the organization's own security controls."""

    READ = "integrations:read"  # who sees what is connected sees what is asked of it
    WRITE = "security:write"


class OrganizationEvent(StrEnum):
    """What the trail says of an organization and its people."""

    CREATED = "organization.created"
    CHANGED = "organization.changed"
    MEMBER_JOINED = "member.joined"
    MEMBER_CHANGED = "member.changed"
    MEMBER_REMOVED = "member.removed"
    MEMBER_LEFT = "member.left"
    INVITED = "member.invited"
    INVITATION_ACCEPTED = "invitation.accepted"
    UNINVITED = "invitation.revoked"
    POLICY_CHANGED = "security-policy.changed"


POWERFUL = frozenset({"owner", "admin"})  # only an owner grants these, or takes them away

ORGANIZATION_FIELDS = FieldAccess(
    public=frozenset({"id", "name", "slug", "time_zone", "created_at", "updated_at"}), guarded={}
)
MEMBER_FIELDS = FieldAccess(
    public=frozenset({"id", "user", "email", "name", "role", "created_at"}), guarded={}
)
INVITATION_FIELDS = FieldAccess(
    public=frozenset({"id", "email", "role", "invited_by", "created_at", "expires_at"}), guarded={}
)
ME_FIELDS = FieldAccess(
    public=frozenset({"principal", "organization", "role", "scopes", "permissions", "expires_at"}),
    guarded={},
)
USAGE_FIELDS = FieldAccess(public=frozenset({"plan", "period", "quotas"}), guarded={})
POLICY_FIELDS = FieldAccess(public=SWITCHES.keys(), guarded={})  # also of switches that join later
