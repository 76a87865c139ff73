"""What the authorization server keeps only for a while."""

from django.tasks import task
from django.utils import timezone

from apps.integrations.sweep import sweep
from saas.persistence.schedule import every


@every(hours=1)
@task
def sweep_dead_tokens() -> None:
    """What opens nothing, and what nobody can replay any more, need not be kept."""
    sweep(timezone.now())
