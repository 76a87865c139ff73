"""Workers come, go and die; each task is done, and what it does to the database is done once."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings as live
from django.db import connection
from django.utils import timezone

from apps.activity.models import Alert
from saas.persistence import worker
from saas.persistence.models import OutboxEntry
from saas.tenancy.across_tenants import outbox_across_tenants
from saas.tenancy.binding import bind, bound_tenant_or_none
from tests.cast import make_tenant
from tests.practices import ROOT
from tests.saas.persistence.test_outbox import entries, titles
from tests.saas.wire import on_postgresql
from tests.saas.wires import Wire
from tests.toy import tasks

pytestmark = [pytest.mark.core, pytest.mark.practice("X-20")]


def enqueue(tenant, count, task=tasks.write, **options):
    """Some tasks of a tenant, each with a title of its own; give the titles."""
    names = [f"task {number:04}" for number in range(count)]
    with bind(tenant.id):
        for name in names:
            task.enqueue(name, **options)
    return names


def after(**time):
    """That much later, and the clock goes on."""
    return time_machine.travel(timezone.now() + timedelta(**time))


@contextmanager
def workers(count, **environment):
    """As many processes, which are gone afterwards."""
    variables = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.toy.process",
        "TOY_DATABASE": str(connection.settings_dict["NAME"]),
        "PYTHONUNBUFFERED": "1",
        **environment,
    }
    command = [sys.executable, "manage.py", "worker"]
    started = [subprocess.Popen(command, cwd=ROOT, env=variables) for _ in range(count)]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()


def wait_until(true, seconds=90):
    """Look again and again. The connection is given back, so that nothing is held in between."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def ours():
    """The tasks of tests, without the house's own regular work."""
    return [entry for entry in entries() if entry.name.startswith("tests.")]


def done():
    """How many of them are done."""
    return sum(entry.state == "done" for entry in ours())


def test_a_task_runs_in_its_own_tenant_and_nothing_is_bound_afterwards(acme, globex):
    tasks.bound.clear()
    for tenant in (acme, globex):
        with bind(tenant.id):
            tasks.write_where_bound.enqueue()
    tasks.write_where_bound.enqueue()
    worker.run_due()
    assert tasks.bound == [acme.id, globex.id, None]
    assert bound_tenant_or_none() is None


def test_a_claim_is_nobody_elses_until_its_lease_runs_out(acme):
    enqueue(acme, 3)
    first = worker.claim()
    assert len(first) == 3
    assert worker.claim() == []
    with after(seconds=61):
        assert {entry.pk for entry in worker.claim()} == {entry.pk for entry in first}


def test_a_claim_that_was_lost_leaves_nothing(acme):
    [title] = enqueue(acme, 1)
    [slow] = worker.claim()
    with after(seconds=61):
        worker.run_due()
        worker.perform(slow)
    assert titles(acme) == [title]
    [entry] = entries()
    assert (entry.state, entry.attempts) == ("done", 2)


def test_a_task_that_fails_leaves_nothing_and_comes_again_later_and_later(acme, caplog):
    with bind(acme.id):
        tasks.write_and_fail.enqueue("a bank account")
    waits = []
    with after(seconds=0) as clock:
        for _ in range(live.WORK.attempts - 1):
            assert worker.run_due() == 1
            [entry] = entries()
            assert entry.state == "waiting"
            waits.append((entry.due_at - timezone.now()).total_seconds())
            assert worker.run_due() == 0
            clock.move_to(entry.due_at + timedelta(seconds=1))
        assert worker.run_due() >= 1
    for attempt, wait in enumerate(waits):
        longest = min(10 * 2**attempt, 3600)
        assert longest / 2 - 2 <= wait <= longest
    [entry] = ours()
    assert (entry.state, entry.fault) == ("dead", "Misfortune")
    assert titles(acme) == []
    assert "bank account" not in caplog.text


@pytest.mark.practice("LOG-13")
def test_a_task_that_died_is_an_alert_and_however_many_die_one_letter_is_written(acme, delivered):
    enqueue(acme, 3, tasks.write_and_fail)
    with outbox_across_tenants():
        OutboxEntry.objects.update(attempts=live.WORK.attempts - 1)
    letters = delivered(acme.owner.user.email)
    [letter] = letters
    assert letter.subject == "Alert: task.dead"
    with bind(acme.id):
        [alert] = Alert.objects.all()
    assert (alert.kind, alert.subject_id, alert.count) == ("task.dead", acme.id, 3)
    assert "write_and_fail: Misfortune" in alert.message


def test_a_task_that_kills_its_workers_is_given_up(acme):
    enqueue(acme, 1)
    with outbox_across_tenants():
        OutboxEntry.objects.update(attempts=live.WORK.attempts)
    worker.run_due()
    [entry] = ours()
    assert (entry.state, entry.fault) == ("dead", "GaveOut")
    assert titles(acme) == []


def test_what_is_no_task_any_more_fails_and_stops_nobody(acme, monkeypatch):
    monkeypatch.setattr(tasks, "forgotten", tasks.write, raising=False)
    with bind(acme.id):
        monkeypatch.setattr(tasks.write.func, "__qualname__", "forgotten")
        tasks.write.enqueue("forgotten")
        monkeypatch.undo()
        tasks.write.enqueue("next")
    worker.run_due()
    [entry] = [entry for entry in entries() if entry.state == "waiting"]
    assert entry.fault == "ImportError"
    assert titles(acme) == ["next"]


def test_four_at_once_do_each_task_once(committed):
    acme = make_tenant("Acme")
    names = enqueue(acme, 80)

    def work(_):
        try:
            return worker.run_due()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(work, range(4)))
    assert sum(counts) == len(names)
    assert titles(acme) == names
    assert {entry.attempts for entry in entries()} == {1}


def killed_again_and_again(file, *, count, kills):
    """Workers are killed in the midst of their tasks; in the end everything is done."""
    acme = make_tenant("Acme")
    names = enqueue(acme, count, seconds=0.02)
    with bind(acme.id):
        signed = {tasks.sign.enqueue(str(file), seconds=0.02).id for _ in range(count // 2)}
    total = count + len(signed)
    for kill in range(kills):
        with workers(2) as (one, other):
            wait_until(lambda kill=kill: done() > total * kill // (kills + 1) or done() == total)
            time.sleep(0.01 * kill)  # in the midst of something
            one.send_signal(signal.SIGKILL)
            other.send_signal(signal.SIGKILL)
    assert kills == 0 or done() < total, "they were too quick to be killed"
    with workers(2):
        wait_until(lambda: done() == total)
    assert titles(acme) == names  # each effect in the database once
    calls = Counter(file.read_text().split())
    assert calls.keys() == signed  # each effect outside at least once, under one id
    assert max(entry.attempts for entry in ours()) <= live.WORK.attempts


def test_a_worker_that_is_killed_loses_nothing_and_doubles_nothing(committed, tmp_path):
    killed_again_and_again(tmp_path / "book", count=80, kills=1)


@pytest.mark.drill
def test_thirty_killed_pairs_of_workers_lose_nothing_and_double_nothing(committed, tmp_path):
    killed_again_and_again(tmp_path / "book", count=2000, kills=30)


def test_a_worker_that_is_told_to_stop_finishes_its_task_and_puts_the_others_back(
    committed, tmp_path
):
    book = tmp_path / "book"
    for _ in range(5):
        tasks.sign.enqueue(str(book), seconds=1.0)
    with workers(1) as [process]:
        wait_until(lambda: any(entry.attempts for entry in ours()))
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=90) == 0
    states = [(entry.state, entry.attempts) for entry in ours()]
    assert states.count(("done", 1)) >= 1
    assert set(states) == {("done", 1), ("waiting", 0)}
    assert len(book.read_text().split()) == done()
    assert all(entry.due_at <= timezone.now() for entry in ours() if entry.state == "waiting")


def test_a_worker_ends_with_the_process_that_started_it():
    left = worker.Worker(parent=1 if os.getppid() != 1 else 2)
    left.serve()
    assert not left.stop.is_set()


@on_postgresql
def test_a_database_that_goes_away_is_waited_for(committed):
    acme = make_tenant("Acme")
    place = connection.settings_dict
    with (
        Wire(place["HOST"], place["PORT"]) as wire,
        workers(1, TOY_PORT=str(wire.port)) as [process],
    ):
        enqueue(acme, 1)
        wait_until(lambda: done() == 1)
        wire.cut()
        with bind(acme.id):
            tasks.write.enqueue("while nobody could")
        time.sleep(1.5)
        assert process.poll() is None
        wire.mend()
        wait_until(lambda: done() == 2)
    assert "while nobody could" in titles(acme)
