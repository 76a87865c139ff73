"""What may be said of an organization and its people, on the way in and on the way out."""

from typing import Any
from zoneinfo import available_timezones

from rest_framework import serializers

from apps.organizations.access import (
    INVITATION_FIELDS,
    ME_FIELDS,
    MEMBER_FIELDS,
    ORGANIZATION_FIELDS,
    POLICY_FIELDS,
    USAGE_FIELDS,
)
from apps.organizations.models import ROLES
from saas.authentication.demands import SWITCHES, Switch
from saas.context import PrincipalKind
from saas.disclosure.outputs import Output
from saas.validation.fields import Choice, Email, Text
from saas.validation.inputs import Input

# Two names mean "whatever this server has", and the year of an invoice must not depend on a server.
TIME_ZONES = frozenset(available_timezones()) - {"Factory", "localtime"}


class TimeZone(Text):
    """A name of the IANA time zone database, in its exact case."""

    default_error_messages = {"unknown": "This is no time zone of the IANA database."}

    def to_internal_value(self, data: Any) -> str:
        """The name itself."""
        name = super().to_internal_value(data)
        if name not in TIME_ZONES:
            self.fail("unknown")
        return name


class OrganizationInput(Input):
    """What may change of an organization."""

    examples = {"name": "Acme", "time_zone": "Europe/Berlin"}

    name = Text(max_length=200)
    time_zone = TimeZone(max_length=60)


class RoleInput(Input):
    """The one thing that may change of a membership."""

    role = Choice(choices=ROLES)


class InvitationInput(Input):
    """Whom to ask, and as what; who asks for no role gives the least."""

    examples = {"email": "ada@acme.example", "role": "clerk"}

    email = Email()
    role = Choice(choices=ROLES, default="viewer")


class Names(serializers.ListField):
    """A set of names, sorted, so that equal answers are equal bytes."""

    child = serializers.CharField()

    def to_representation(self, data: Any) -> list[str]:
        """The names in order."""
        return sorted(data)


class PrincipalOutput(serializers.Serializer[Any]):
    """By what the caller is counted and recorded: the key, or the client of a token."""

    kind = serializers.ChoiceField(choices=[kind.value for kind in PrincipalKind])
    id = serializers.UUIDField()


class OwnOrganizationOutput(serializers.Serializer[Any]):
    """The organization that the credential belongs to."""

    examples = {"name": "Acme", "slug": "acme"}

    id = serializers.UUIDField()
    name = serializers.CharField()
    slug = serializers.CharField()


class MeOutput(Output):
    """What a credential is worth at this moment. `permissions` is what the scopes and the role of
    the person behind it have in common.
    """

    access = ME_FIELDS
    examples = {"scopes": ["customers:read"], "permissions": ["customers:read"]}

    principal = PrincipalOutput()
    organization = OwnOrganizationOutput(source="tenant")
    role = serializers.ChoiceField(choices=ROLES, allow_null=True)
    scopes = Names(source="principal.scopes")
    permissions = Names()
    expires_at = serializers.DateTimeField(source="principal.expires_at", allow_null=True)


class OrganizationOutput(Output):
    """An organization, to everybody in it."""

    access = ORGANIZATION_FIELDS
    examples = {"name": "Acme", "slug": "acme", "time_zone": "Europe/Berlin"}

    id = serializers.UUIDField()
    name = serializers.CharField()
    slug = serializers.CharField()
    time_zone = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class PeriodOutput(serializers.Serializer[Any]):
    """A month of UTC, without the moment of its end."""

    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()


class QuotaOutput(serializers.Serializer[Any]):
    """How much of one act the plan holds, and how much of it is used."""

    examples = {"name": "invoices", "limit": 100, "used": 17, "remaining": 83}

    name = serializers.CharField()
    limit = serializers.IntegerField()
    used = serializers.IntegerField()
    remaining = serializers.IntegerField()
    resets_at = serializers.DateTimeField()


class UsageOutput(Output):
    """What the organization has used in this month, and what is left."""

    access = USAGE_FIELDS
    examples = {"plan": "free"}

    plan = serializers.CharField()
    period = PeriodOutput()
    quotas = QuotaOutput(many=True)


class MemberOutput(Output):
    """A membership: `id` is its own, `user` is the person's, who may belong elsewhere too."""

    access = MEMBER_FIELDS
    examples = {"email": "ada@acme.example", "name": "Ada", "role": "clerk"}

    id = serializers.UUIDField()
    user = serializers.UUIDField(source="user_id")
    email = serializers.CharField(source="user.email")
    name = serializers.CharField(source="user.name")
    role = serializers.ChoiceField(choices=ROLES)
    created_at = serializers.DateTimeField()


class InvitationOutput(Output):
    """An open invitation, without its secret."""

    access = INVITATION_FIELDS
    examples = InvitationInput.examples

    id = serializers.UUIDField()
    email = serializers.CharField()
    role = serializers.ChoiceField(choices=ROLES)
    invited_by = serializers.UUIDField(source="invited_by_id", allow_null=True)
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class SwitchField(serializers.Field[Any, Any, Any, Any]):
    """One switch, judged by whoever enforces it."""

    def __init__(self, switch: Switch, **options: Any) -> None:
        self.switch = switch
        self._spectacular_annotation = {"field": switch.schema}  # as extend_schema_field() does
        super().__init__(allow_null=switch.default is None, **options)

    def get_attribute(self, instance: Any) -> Any:
        """A policy is a mapping."""
        return instance[self.field_name]

    def to_internal_value(self, data: Any) -> Any:
        """As it is kept."""
        return self.switch.judge(data)

    def to_representation(self, value: Any) -> Any:
        """As it is kept."""
        return value


def switch_fields() -> dict[str, serializers.Field]:
    """A field for each switch that has joined."""
    return {name: SwitchField(switch) for name, switch in SWITCHES.items()}


class SecurityPolicyInput(Input):
    """What an organization decides about its own security."""

    def get_fields(self) -> dict[str, serializers.Field]:
        """The switches that there are."""
        return switch_fields()


class SecurityPolicyOutput(Output):
    """What an organization has decided about its own security, with the defaults of the rest."""

    access = POLICY_FIELDS

    def get_fields(self) -> dict[str, serializers.Field]:
        """The switches that there are."""
        return switch_fields()
