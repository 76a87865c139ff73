"""What an owner lets the house's staff see, why, and how often they looked."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from saas.persistence.tenant import TenantModel, tenant_reference


class SupportGrant(TenantModel):
    """One permission for one member of the staff: `key` is what they took it up with."""

    reason = models.CharField(max_length=500)
    scopes = models.JSONField()
    granted_by: Any = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    key: Any = models.OneToOneField(
        settings.SAAS_API_KEY_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    staff = models.CharField(max_length=80)  # who took it up, by the name that they gave
    views = models.PositiveIntegerField(default=0)
    last_used_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.CheckConstraint(
                condition=models.Q(key__isnull=True, staff="")
                | (models.Q(key__isnull=False) & ~models.Q(staff="")),
                name="who_takes_up_a_grant_has_a_name",
            ),
            tenant_reference(),
        ]
