"""The checkpoints that there are to read."""

from django.db.models import QuerySet

from apps.checkpoints.models import Checkpoint


def checkpoints() -> QuerySet[Checkpoint]:
    """Those of the bound organization."""
    return Checkpoint.objects.all()
