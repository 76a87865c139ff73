"""What the watch keeps: what it found that is no organization's, and what is usual."""

from django.db import models
from django.utils import timezone

from saas.alerts import Severity
from saas.ids import IdField
from saas.persistence.tenant import TenantModel, tenant_reference


class HouseAlert(models.Model):
    """Something that looks wrong and is no single organization's: for those who run the house."""

    id = IdField()
    kind = models.CharField(max_length=60)
    severity = models.CharField(max_length=10, choices=[(one, one) for one in Severity])
    message = models.CharField(max_length=500)
    subject = models.CharField(max_length=100)
    data = models.JSONField(default=dict)
    count = models.PositiveIntegerField(default=1)
    first_seen_at = models.DateTimeField(default=timezone.now, editable=False)
    last_seen_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject"],
                condition=models.Q(closed_at=None),
                name="one_open_house_alert_for_each_subject",
            ),
        ]

    def __str__(self) -> str:
        """The kind and the id: nothing that a log should not hold."""
        return f"{self.kind} {self.pk}"


class Profile(TenantModel):
    """What a principal usually does in one hour of the week, as numbers alone. The organization's
    own row has its id for a principal's.
    """

    principal_id = models.UUIDField()
    hour = models.PositiveSmallIntegerField()  # of the week, 0 to 167, from Monday at midnight UTC
    measures = models.JSONField(default=dict)  # name -> count, mean, sum of squares
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "principal_id", "hour"], name="one_profile_for_each_hour"
            ),
            tenant_reference(),
        ]
