"""Regular work is begun once in each period, however many look at the clock."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
import time_machine
from django.db import connection
from django.utils import timezone
from django.utils.module_loading import autodiscover_modules

from apps.accounts.models import Session
from apps.organizations.models import Invitation
from saas.persistence import schedule, worker
from saas.persistence.models import IdempotencyRecord, OutboxEntry, RegularJob
from saas.tenancy.across_tenants import outbox_across_tenants
from saas.tenancy.binding import bind
from tests.saas.persistence.test_outbox import entries
from tests.toy import tasks

pytestmark = [pytest.mark.core, pytest.mark.practice("X-20")]

NOON = "2026-11-22T12:00:00Z"
HOURLY = tasks.write_where_bound.module_path


@pytest.fixture
def hourly(monkeypatch):
    """One job in the book, every hour."""
    monkeypatch.setattr(schedule, "JOBS", {})
    return schedule.every(hours=1)(tasks.write_where_bound)


def waiting():
    """What has been begun, and how often."""
    return Counter(entry.name for entry in entries())


def test_three_that_look_at_once_begin_it_once(committed, hourly):
    start = Barrier(3)

    def look(_):
        try:
            start.wait()
            schedule.begin_due()
        finally:
            connection.close()

    for hour in range(4):
        with (
            time_machine.travel(datetime.fromisoformat(NOON) + timedelta(hours=hour)),
            ThreadPoolExecutor(3) as pool,
        ):
            list(pool.map(look, range(3)))
            list(pool.map(look, range(3)))
        assert waiting() == {HOURLY: hour + 1}


def test_it_is_begun_once_in_a_period_and_what_was_missed_is_not_made_up_for(db, hourly):
    with time_machine.travel(NOON, tick=False) as clock:
        for minutes, begun in ((0, 1), (59, 1), (1, 2), (60 * 24, 3), (1, 3)):
            clock.shift(timedelta(minutes=minutes))
            schedule.begin_due()
            assert waiting() == {HOURLY: begun}
        clock.shift(timedelta(hours=-2))  # another machine, whose clock is slow
        schedule.begin_due()
    assert waiting() == {HOURLY: 3}


def test_a_leader_that_fails_has_not_led(db, hourly, monkeypatch):
    monkeypatch.setitem(schedule.JOBS, HOURLY, schedule.JOBS[HOURLY]._replace(task=None))
    with pytest.raises(AttributeError):
        schedule.begin_due()
    assert not RegularJob.objects.exists()


def test_a_job_of_each_tenant_runs_inside_each(acme, globex, monkeypatch):
    monkeypatch.setattr(schedule, "JOBS", {})
    monkeypatch.setattr(schedule, "TENANTS_AT_ONCE", 1)
    schedule.every(hours=1, in_each_tenant=True)(tasks.write_where_bound)
    tasks.bound.clear()
    schedule.begin_due()
    worker.run_due()
    assert tasks.bound == [acme.id, globex.id]


def test_what_has_ended_is_forgotten_and_what_has_not_stays(acme, globex):
    autodiscover_modules("tasks")
    now = timezone.now()
    for tenant in (acme, globex):
        with bind(tenant.id):
            for name, at in (("old", now - timedelta(days=1)), ("new", now + timedelta(days=1))):
                record = {"principal_id": tenant.id, "operation": "x", "fingerprint": "x"}
                IdempotencyRecord.objects.create(key=name, expires_at=at, **record)
                Invitation.objects.create(
                    email=f"{name}@elsewhere.example", digest=f"{name}{tenant.id}", expires_at=at
                )
    for name, at in (("old", now - timedelta(days=1)), ("new", now + timedelta(days=1))):
        Session.objects.create(session_key=name, session_data="", expire_date=at)
    for state, days in (("done", 8), ("done", 6), ("dead", 29), ("dead", 27), ("waiting", 99)):
        OutboxEntry(
            name=f"{state} {days}", state=state, payload=b"", due_at=now + timedelta(days=1),
            ended_at=now - timedelta(days=days),
        ).save(force_insert=True)  # fmt: skip
    schedule.begin_due()
    worker.run_due()
    for tenant in (acme, globex):
        with bind(tenant.id):
            assert [row.key for row in IdempotencyRecord.objects.all()] == ["new"]
            assert [row.email for row in Invitation.objects.all()] == ["new@elsewhere.example"]
    assert [row.session_key for row in Session.objects.all()] == ["new"]
    assert {entry.name for entry in entries() if " " in entry.name} == {
        "done 6", "dead 27", "waiting 99"
    }  # fmt: skip


def test_a_worker_that_runs_once_begins_the_work_does_it_and_ends(acme, capsys):
    from django.core.management import call_command

    call_command("worker", once=True)
    assert capsys.readouterr().out.strip().endswith(" done")
    with outbox_across_tenants():
        assert not OutboxEntry.objects.filter(state="waiting").exists()
