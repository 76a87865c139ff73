"""The two tables that persistence itself needs: the tenants' data keys and what was done under an
Idempotency-Key.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

from saas.persistence.tenant import TenantModel, tenant_reference


class DataKey(TenantModel):
    """A tenant's data key, wrapped by the key-encryption key: a dump without that key opens
    nothing.
    """

    wrapped = models.TextField(editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [tenant_reference()]


def idempotency_expiry() -> datetime:
    """When a record made now may be forgotten."""
    return timezone.now() + timedelta(hours=settings.LIMITS["idempotency_hours"])


class IdempotencyRecord(TenantModel):
    """That a principal did an operation under a key: the status and the row, never the body of the
    answer.
    """

    principal_id = models.UUIDField()
    operation = models.CharField(max_length=100)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    row_id = models.UUIDField(null=True)
    expires_at = models.DateTimeField(default=idempotency_expiry)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "principal_id", "operation", "key"],
                name="one_effect_for_each_key",
            ),
            tenant_reference(),
        ]
