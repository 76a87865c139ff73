"""What may be said of what happened; all that an entry's hash covers is here, so a reader can check
it.
"""

from typing import Any

from rest_framework import serializers

from apps.activity.access import ALERT_FIELDS, AUDIT_FIELDS
from saas.alerts import Severity
from saas.disclosure.outputs import Output
from saas.validation.fields import Choice, Id
from saas.validation.inputs import Filters


class AuditEventFilters(Filters):
    """What the trail can be narrowed by."""

    lookups = {"object": "object_id", "user": "user_id"}

    event = serializers.RegexField(r"^[a-z-]+\.[a-z-]+\Z", max_length=60, required=False)
    object = Id(required=False)
    user = Id(required=False)


class WhoOutput(serializers.Serializer[Any]):
    """Which credential acted; the kind is `system` and the id null where no request did."""

    examples = {"kind": "api-key"}

    kind = serializers.CharField(source="principal_kind")
    id = serializers.UUIDField(source="principal_id", allow_null=True)


class ObjectOutput(serializers.Serializer[Any]):
    """To what it happened."""

    examples = {"type": "customer"}

    type = serializers.CharField(source="object_type")
    id = serializers.UUIDField(source="object_id")

    def get_attribute(self, instance: Any) -> Any:
        """The entry itself, or nothing where it is about no row."""
        return instance if instance.object_type else None


class AuditEventOutput(Output):
    """One entry of the chain."""

    access = AUDIT_FIELDS
    examples = {"event": "customer.changed", "data": {"fields": ["name"]}, "hash": "0" * 64}

    id = serializers.UUIDField()
    seq = serializers.IntegerField()
    at = serializers.DateTimeField()
    event = serializers.CharField()
    principal = WhoOutput(source="*")
    user = serializers.UUIDField(source="user_id", allow_null=True)
    request_id = serializers.UUIDField(allow_null=True)
    object = ObjectOutput(allow_null=True)
    data = serializers.DictField()  # type: ignore[assignment]  # DRF's own `data` is of an instance
    hash = serializers.CharField()


class AlertFilters(Filters):
    """What the alerts can be narrowed by."""

    lookups = {"subject": "subject_id", "acknowledged": "is_acknowledged"}

    kind = serializers.RegexField(r"^[a-z-]+\.[a-z-]+\Z", max_length=60, required=False)
    severity = Choice(choices=[str(one) for one in Severity], required=False)
    subject = Id(required=False)
    acknowledged = Choice(choices=["true", "false"], required=False)

    def validate_acknowledged(self, value: str) -> bool:
        """A query knows only text."""
        return value == "true"


class SubjectOutput(serializers.Serializer[Any]):
    """What an alert is about: the organization itself where it is about no single row."""

    examples = {"type": "apikey"}

    type = serializers.CharField(source="subject_type")
    id = serializers.UUIDField(source="subject_id")


class AlertOutput(Output):
    """Something that looks wrong."""

    access = ALERT_FIELDS
    examples = {
        "kind": "api-key.exposed",
        "message": "An API key was sent in a URL, and has been revoked.",
        "data": {},
        "playbook": "https://api.strongroom.example/docs/playbooks/exposed-credential",
        "count": 1,
    }

    id = serializers.UUIDField()
    kind = serializers.CharField()
    severity = serializers.ChoiceField(choices=[str(one) for one in Severity])
    message = serializers.CharField()
    subject = SubjectOutput(source="*")
    data = serializers.DictField()  # type: ignore[assignment]  # DRF's own `data` is of an instance
    playbook = serializers.URLField(allow_null=True)
    count = serializers.IntegerField()
    first_seen_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    acknowledged_by = serializers.UUIDField(source="acknowledged_by_id", allow_null=True)
