"""What was noticed in an organization and waits for somebody to look."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from saas.alerts import Severity, playbook_of
from saas.persistence.tenant import TenantModel, tenant_reference


class Alert(TenantModel):
    """One thing that looks wrong, however often it is seen, until it is acknowledged."""

    kind = models.CharField(max_length=60)
    severity = models.CharField(max_length=10, choices=[(one, one) for one in Severity])
    message = models.CharField(max_length=500)
    subject_type = models.CharField(max_length=60)
    subject_id = models.UUIDField()
    data = models.JSONField(default=dict)  # what it shows beside its sentence; may hold an address
    count = models.PositiveIntegerField(default=1)
    first_seen_at = models.DateTimeField(default=timezone.now, editable=False)
    last_seen_at = models.DateTimeField(default=timezone.now)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by: Any = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "kind", "subject_type", "subject_id"],
                condition=models.Q(acknowledged_at=None),
                name="one_open_alert_for_each_subject",
            ),
            tenant_reference(),
        ]

    @property
    def playbook(self) -> str | None:
        """Where it says what to do."""
        return playbook_of(self.kind)
