"""What may be said of what waits, on the way in and on the way out."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.approvals.access import APPROVAL_FIELDS
from apps.approvals.acts import KINDS
from apps.approvals.models import STATES
from apps.approvals.switches import INVOICES_OVER, TWO_PERSONS
from saas.disclosure.outputs import Output
from saas.validation.fields import Choice, Text
from saas.validation.inputs import Filters, Input

TEXT = {"type": "string"}
DAY = {"type": ["string", "null"], "format": "date"}
WANTED = {
    "role": TEXT,
    "email": TEXT,
    "name": TEXT,
    "client": {**TEXT, "format": "uuid"},
    "scopes": {"type": "array", "items": TEXT},
    "allowed_networks": {"type": "array", "items": TEXT},
    "expires_at": {"type": ["string", "null"], "format": "date-time"},
    "total": TEXT,
    "currency": TEXT,
    "issued_on": DAY,
    "due_on": DAY,
    TWO_PERSONS.name: dict(TWO_PERSONS.schema),
    INVOICES_OVER.name: {**INVOICES_OVER.schema, "type": ["object", "null"]},
}


@extend_schema_field({"type": "object", "properties": WANTED, "additionalProperties": False})
class WantedField(serializers.Field):
    """What is asked for: which of these there are, the kind says."""

    def to_representation(self, value: dict[str, Any]) -> dict[str, Any]:
        """As it is kept."""
        return value


class ApprovalFilters(Filters):
    """What the approvals can be narrowed by."""

    state = Choice(choices=STATES, required=False)


class DecisionInput(Input):
    """What a second person says."""

    examples = {"decision": "approve", "reason": "As we agreed on the phone."}

    decision = Choice(choices=["approve", "decline"])
    reason = Text(max_length=500, required=False)


class ApprovalOutput(Output):
    """Something that waits for a second person, or what became of it."""

    access = APPROVAL_FIELDS
    examples = {"kind": "member.role", "wanted": {"role": "admin"}, "state": "pending"}

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=sorted(KINDS))
    object = serializers.UUIDField(source="object_id", allow_null=True)
    wanted = WantedField()
    state = serializers.ChoiceField(choices=STATES)
    asked_by = serializers.UUIDField(source="asked_by_id")
    asked_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    takes_effect_at = serializers.DateTimeField(allow_null=True)
    decided_by = serializers.UUIDField(source="decided_by_id", allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField()
