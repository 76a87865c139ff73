"""What may be said of support access, on the way in and on the way out."""

from rest_framework import serializers

from apps.support.access import READ_SCOPES, SUPPORT_GRANT_FIELDS
from saas.disclosure.outputs import Output
from saas.validation.fields import Choice, Integer, Text
from saas.validation.inputs import Input


class SupportGrantInput(Input):
    """What staff may see, why, and for how long. There is no scope that changes anything."""

    examples = {
        "reason": "The totals of an invoice look wrong to us.",
        "hours": 4,
        "scopes": ["customers:read", "invoices:read"],
    }

    reason = Text(max_length=500)
    hours = Integer(min_value=1, max_value=24)
    scopes = serializers.ListField(
        child=Choice(choices=READ_SCOPES), min_length=1, max_length=len(READ_SCOPES)
    )


class SupportGrantOutput(Output):
    """What staff may see, and how often they looked."""

    access = SUPPORT_GRANT_FIELDS
    examples = {
        "reason": SupportGrantInput.examples["reason"],
        "scopes": SupportGrantInput.examples["scopes"],
        "staff": "Ada",
        "views": 3,
    }

    id = serializers.UUIDField()
    reason = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    granted_by = serializers.UUIDField(source="granted_by_id")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    revoked_at = serializers.DateTimeField(allow_null=True)
    staff = serializers.CharField(help_text="Who took it up; empty: nobody yet.")
    views = serializers.IntegerField()
    last_used_at = serializers.DateTimeField(allow_null=True)
