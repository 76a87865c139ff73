"""An act that waits, as it was asked for; what became of it; and by whom."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from saas.persistence.tenant import TenantModel, tenant_reference

PENDING, APPROVED, DECLINED, EXPIRED = STATES = ("pending", "approved", "declined", "expired")


class Approval(TenantModel):
    """One act of one person. `wanted` is shown to who decides; `kept` and `asker`, the credential
    that asked, to nobody.
    """

    kind = models.CharField(max_length=60)
    object_id = models.UUIDField(null=True)
    wanted = models.JSONField()
    kept = models.JSONField()
    granted = models.JSONField()
    asker = models.JSONField()
    state = models.CharField(
        max_length=10, choices=[(state, state) for state in STATES], default=PENDING
    )
    asked_by: Any = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    asked_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    takes_effect_at = models.DateTimeField(null=True)  # where nobody else could decide
    decided_by: Any = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500)
    used_at = models.DateTimeField(null=True)  # where who asked does it themselves

    class Meta(TenantModel.Meta):
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=STATES), name="an_approval_has_a_known_state"
            ),
            models.CheckConstraint(
                condition=models.Q(state=PENDING) ^ models.Q(decided_at__isnull=False),
                name="what_is_decided_was_decided_once",
            ),
            models.CheckConstraint(
                condition=~models.Q(state=APPROVED, decided_by=models.F("asked_by")),
                name="nobody_agrees_with_themselves",
            ),
            models.CheckConstraint(
                condition=~models.Q(state=APPROVED)
                | models.Q(decided_by__isnull=False)
                | models.Q(takes_effect_at__isnull=False),
                name="who_agrees_has_a_name",
            ),
            models.UniqueConstraint(
                fields=["tenant", "kind", "object_id"],
                condition=models.Q(state=PENDING),
                name="one_open_approval_for_each_object",
            ),
            tenant_reference(),
        ]

    @property
    def due_at(self) -> datetime:
        """When time decides."""
        return self.takes_effect_at or self.expires_at
