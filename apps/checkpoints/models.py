"""What the API shows of checkpoints. The file is the proof; verifying says where they differ."""

from django.db import models

from saas.persistence.guards import AppendOnly
from saas.persistence.tenant import TenantModel


class Checkpoint(TenantModel, AppendOnly):
    """A signed statement: entry `seq` of this organization's chain had this hash."""

    SEEN, RESTORED = "seen", "restored"

    number = models.BigIntegerField()
    kind = models.CharField(max_length=10)
    seq = models.BigIntegerField()
    hash = models.CharField(max_length=64)
    at = models.CharField(max_length=40)  # as it was signed, to the letter
    previous = models.CharField(max_length=64)
    detail = models.CharField(max_length=64)
    key = models.CharField(max_length=64)
    signature = models.CharField(max_length=100)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "number"], name="one_checkpoint_for_each_number"
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=["seen", "restored"]),
                name="a_chain_was_seen_or_restored",
            ),
        ]
