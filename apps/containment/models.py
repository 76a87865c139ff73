"""What stands, what stood, and who answers for it."""

from django.db import models
from django.utils import timezone

from saas.ids import IdField


class Kind(models.TextChoices):
    """What can be done to stop harm and be taken back."""

    MAINTENANCE = "maintenance"  # of the whole house: nothing is served
    READ_ONLY = "read-only"  # of an organization, or of the whole house: nothing is changed
    DISABLE_OP = "disable-op"  # one operation, for everybody
    FREEZE = "freeze-org"  # nothing of an organization is served
    DIVERT = "divert-org"  # an organization is served to proved calls from known networks alone
    REVOKE_APP = "revoke-app"  # a client gets no tokens; those that it had do not come back


class Measure(models.Model):
    """One measure. `about` is the id of an organization, an operation or a client; empty is the
    whole house. `kept` holds what it needs, and what taking it back needs.
    """

    id = IdField()
    kind = models.CharField(max_length=20, choices=Kind.choices)
    about = models.CharField(max_length=100, blank=True)
    kept = models.JSONField(default=dict)
    reason = models.CharField(max_length=500)
    by = models.CharField(max_length=100)
    at = models.DateTimeField(default=timezone.now, editable=False)
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.CharField(max_length=100, blank=True)
    lifted_because = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "about"],
                condition=models.Q(lifted_at=None),
                name="one_standing_measure_of_each_kind",
            ),
        ]

    def __str__(self) -> str:
        """What it is and about what: nothing that a log should not hold."""
        return f"{self.kind} {self.about or 'the house'}"
