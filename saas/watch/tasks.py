"""What the watch does regularly: forget, and prove that its alerts arrive."""

from __future__ import annotations  # django.tasks takes its type parameters in stubs alone

from datetime import timedelta

from django.tasks import task
from django.utils import timezone

from saas.persistence.schedule import every
from saas.watch.chains import verify_slice
from saas.watch.models import HouseAlert, Profile
from saas.watch.proof import prove_route

KEPT = timedelta(days=30)  # LOG-12
HOUSE_KEPT = timedelta(days=365)


@every(hours=1, in_each_tenant=True)
@task
def verify_chains() -> None:
    """A trail that somebody has changed is found within hours (LOG-04)."""
    verify_slice()


@every(days=1, in_each_tenant=True)
@task
def forget_profiles() -> None:
    """An hour of the week in which a principal has not called for a month is no habit."""
    Profile.objects.filter(updated_at__lt=timezone.now() - KEPT).delete()


@every(days=1)
@task
def forget_house_alerts() -> None:
    """What was closed a year ago; what nobody closed stays."""
    HouseAlert.objects.filter(closed_at__lt=timezone.now() - HOUSE_KEPT).delete()


@every(days=1)
@task
def alert_test() -> None:
    """A route that nobody tests is broken on the day that it is needed (LOG-13)."""
    prove_route()
