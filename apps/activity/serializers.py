"""What may be said of what happened; all that an entry's hash covers is here, so a reader can check
it.
"""

from typing import Any

from rest_framework import serializers

from apps.activity.access import AUDIT_FIELDS
from saas.disclosure.outputs import Output
from saas.validation.fields import Id
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
