"""The trail: one chain of entries for each tenant, and the head that the next entry hangs on."""

from django.db import models
from django.utils import timezone

from saas.persistence.guards import AppendOnly
from saas.persistence.tenant import TenantModel, tenant_reference

GENESIS = "0" * 64


class AuditEntry(TenantModel, AppendOnly):
    """What happened, who did it, to what; `hash` covers every other column and the entry before."""

    seq = models.BigIntegerField()
    at = models.DateTimeField(default=timezone.now)
    event = models.CharField(max_length=60)
    principal_kind = models.CharField(max_length=20)
    principal_id = models.UUIDField(null=True)
    user_id = models.UUIDField(null=True)
    request_id = models.UUIDField(null=True)
    object_type = models.CharField(max_length=60, blank=True)
    object_id = models.UUIDField(null=True)
    data = models.JSONField(default=dict)
    hash = models.CharField(max_length=64)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "seq"], name="one_entry_for_each_number"),
            tenant_reference(),
        ]


class AuditHead(TenantModel):
    """The last number and hash of a tenant's chain; its row lock is what keeps the chain in
    line.
    """

    seq = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default=GENESIS)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant"], name="one_chain_for_each_tenant")]


class RefusalTally(TenantModel):
    """How often a principal was refused an operation since the last entry about it."""

    principal_id = models.UUIDField()
    operation = models.CharField(max_length=100)
    minute = models.DateTimeField(null=True)
    repeats = models.PositiveIntegerField(default=0)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "principal_id", "operation"], name="one_tally_for_each_operation"
            )
        ]
