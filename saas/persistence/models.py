"""The tables that persistence itself needs: the tenants' data keys, what was done under an
Idempotency-Key, how much of a quota is used, the outbox, and when regular work was last begun.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

from saas.ids import IdField
from saas.persistence.guards import DropBox, OwnerChanges
from saas.persistence.tenant import TenantModel, tenant_reference


class DataKey(TenantModel, OwnerChanges):
    """A tenant's data key, wrapped by the key-encryption key: a dump without that key opens
    nothing.

    The newest that is not retired seals; all of them open. One that was destroyed is empty, and
    its row stays, so that a value whose key is gone is told from one that was tampered with.
    """

    wrapped = models.TextField(editable=False)  # base64
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


class QuotaUse(TenantModel):
    """How often an organization did one act in one month; it counts with the act or not at all."""

    act = models.CharField(max_length=40)
    month = models.DateField()  # its first day, in UTC
    used = models.PositiveIntegerField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "act", "month"], name="one_count_for_each_act_and_month"
            ),
            tenant_reference(),
        ]


class OutboxEntry(DropBox):
    """A task that is certain, because its row commits with the act that asked for it.

    A claim moves `due_at` on by the lease: if the worker dies, the entry is due again then, and
    `attempts` tells whose claim it is. Its id is the same at each attempt, so a receiver can tell
    a second delivery from a second task. `payload` is sealed, and goes once the task is done.
    """

    WAITING, DONE, DEAD = "waiting", "done", "dead"

    id = IdField()
    name = models.CharField(max_length=200)
    payload = models.BinaryField()
    state = models.CharField(max_length=10, default=WAITING)
    due_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveSmallIntegerField(default=0)
    fault = models.CharField(max_length=100, blank=True)  # a class: a message may hold data
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "done", "dead"]),
                name="a_task_waits_or_is_done_or_dead",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=models.Q(state="waiting"), name="tasks_that_wait"
            ),
        ]

    def __str__(self) -> str:
        """The name and the id."""
        return f"{self.name} {self.pk}"


class RegularJob(models.Model):
    """When a job that comes again and again was last begun: whoever moves `begun_at` on leads this
    period.
    """

    name = models.CharField(max_length=200, primary_key=True)
    begun_at = models.DateTimeField()

    def __str__(self) -> str:
        """The name."""
        return self.name
