"""What an organization keeps only for a while."""

from django.tasks import task

from apps.organizations import queries
from saas.persistence.schedule import every


@every(days=1, in_each_tenant=True)
@task
def forget_lapsed_invitations() -> None:
    """The address of somebody who did not come is nobody's business any more."""
    queries.lapsed_invitations().delete()
