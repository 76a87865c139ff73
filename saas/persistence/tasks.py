"""What persistence keeps only for a while."""

from django.conf import settings
from django.tasks import task
from django.utils import timezone

from saas.persistence.models import IdempotencyRecord, OutboxEntry
from saas.persistence.schedule import every
from saas.tenancy.across_tenants import outbox_across_tenants

AT_ONCE = 5000  # rows: a longer statement would meet its time-out


@every(days=1, in_each_tenant=True)
@task
def forget_idempotency_records() -> None:
    """An expired key may be used again, so its record says nothing any more."""
    IdempotencyRecord.objects.filter(expires_at__lt=timezone.now()).delete()


@every(hours=1)
@task
def forget_ended_tasks() -> None:
    """What ended a while ago; the dead stay four times as long as the done."""
    now, kept = timezone.now(), settings.WORK.kept
    for state, since in ((OutboxEntry.DONE, now - kept), (OutboxEntry.DEAD, now - 4 * kept)):
        old = OutboxEntry.objects.filter(state=state, ended_at__lt=since)
        with outbox_across_tenants():
            ids = list(old.values_list("pk", flat=True)[:AT_ONCE])
            OutboxEntry.objects.filter(pk__in=ids).delete()
