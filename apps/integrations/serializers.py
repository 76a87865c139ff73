"""What may be said of what is connected to an organization, on the way in and on the way out."""

from datetime import timedelta

from django.conf import settings
from rest_framework import serializers

from apps.integrations.access import API_KEY_FIELDS, INTEGRATION_FIELDS
from saas.authorization.permissions import known_permissions
from saas.disclosure.outputs import Output
from saas.validation.fields import Boolean, Choice, Integer, Moment, Text
from saas.validation.inputs import Input
from saas.validation.networks import NetworkText

SCOPES = sorted(known_permissions())


class ApiKeyInput(Input):
    """A key to be made. What is not asked for is not given: no scope unless it is named."""

    examples = {
        "name": "Nightly import",
        "scopes": ["customers:read"],
        "allowed_networks": ["203.0.113.0/24"],
        "honeytoken": False,
    }

    name = Text(max_length=100)
    scopes = serializers.ListField(
        child=Choice(choices=SCOPES), max_length=len(SCOPES), required=False
    )
    allowed_networks = serializers.ListField(
        child=NetworkText(),
        max_length=settings.KEY_NETWORKS,
        required=False,
        help_text="Where alone the key opens anything; none: anywhere.",
    )
    honeytoken = Boolean(
        required=False, help_text="A key that opens nothing and raises an alert when it is used."
    )
    expires_at = Moment(required=False)


class RotationInput(Input):
    """How long the old key lives beside the new one; without a word the longest that is allowed."""

    overlap_hours = Integer(
        min_value=0,
        max_value=settings.LIFETIMES.rotation_overlap // timedelta(hours=1),
        required=False,
    )


class ApiKeyOutput(Output):
    """A key without its secret."""

    access = API_KEY_FIELDS
    examples = {**ApiKeyInput.examples, "prefix": "sr_live_0123456789"}

    id = serializers.UUIDField()
    name = serializers.CharField()
    prefix = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    allowed_networks = serializers.ListField(child=serializers.CharField())
    honeytoken = serializers.BooleanField(source="is_honeytoken")
    expires_at = serializers.DateTimeField()
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)


class IntegrationOutput(Output):
    """Something that another system holds, whatever its kind."""

    access = INTEGRATION_FIELDS
    examples = {"name": "Nightly import", "scopes": ["customers:read"], "kind": "api-key"}

    id = serializers.UUIDField()
    kind = serializers.CharField()
    name = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    created_by = serializers.UUIDField(source="creator_id")
    approved_by = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)
