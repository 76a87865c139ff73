"""What becomes of credentials by time alone."""

from django.tasks import task
from django.utils import timezone

from apps.integrations.endings import revoke_idle_keys, warn_of_ends
from apps.integrations.sweep import sweep
from saas.persistence.schedule import every


@every(hours=1)
@task
def sweep_dead_tokens() -> None:
    """What opens nothing, and what nobody can replay any more, need not be kept."""
    sweep(timezone.now())


@every(hours=6, in_each_tenant=True)
@task
def tend_keys() -> None:
    """Those that end soon are announced, and those that nobody uses end."""
    now = timezone.now()
    revoke_idle_keys(now)
    warn_of_ends(now)
