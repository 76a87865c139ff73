"""What the house says of itself, and that a scrape costs it nothing."""

import os
import time
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest

from apps.metrics import house
from apps.metrics.checks import the_port_is_not_public
from apps.metrics.house import House
from saas.alerts import Severity, alert
from saas.persistence.models import OutboxEntry
from saas.tenancy.across_tenants import outbox_across_tenants
from saas.tenancy.binding import bind
from tests.toy import tasks

EVERYWHERE = "0.0.0.0"  # noqa: S104  # what is refused
pytestmark = [pytest.mark.practice("LOG-16"), pytest.mark.core]


@pytest.fixture
def looked(monkeypatch):
    """`looked()` looks and gives one number of what a scrape would then read."""
    monkeypatch.setattr(house, "close_old_connections", lambda: None)  # within a transaction
    seen, registry = House(), CollectorRegistry()
    registry.register(seen)

    def look(name, **labels):
        seen._alerts_at = float("-inf")
        seen.look()
        return registry.get_sample_value(f"strongroom_{name}", labels)

    look.registry = registry
    return look


def test_the_outbox_tells_what_waits_what_is_dead_and_how_late_it_is(acme, looked):
    waiting = looked("outbox_tasks", state="waiting")
    with bind(acme.id):
        late, dead, later = (tasks.write.enqueue(name) for name in ("late", "dead", "later"))
    now = timezone.now()
    with outbox_across_tenants():
        entries = OutboxEntry.objects.all()
        entries.exclude(pk__in=[late.id, dead.id, later.id]).update(due_at=now)
        entries.filter(pk=late.id).update(due_at=now - timedelta(minutes=10))
        entries.filter(pk=dead.id).update(state="dead", due_at=now - timedelta(days=1))
        entries.filter(pk=later.id).update(due_at=now + timedelta(hours=1))
    assert looked("outbox_tasks", state="waiting") == waiting + 2
    assert looked("outbox_tasks", state="dead") == 1
    assert 600 <= looked("outbox_late_seconds") < 660


def test_open_alerts_of_all_organizations_are_one_number_by_severity(acme, globex, looked):
    for tenant in (acme, globex):
        with bind(tenant.id):
            alert(tenant.id, "key.elsewhere", "Somewhere else.", severity=Severity.MEDIUM)
    assert looked("alerts_open", severity="medium") == 2
    assert looked("alerts_open", severity="high") == 0
    text = generate_latest(looked.registry).decode()
    assert str(acme.id) not in text


def test_the_last_review_of_the_logs_is_a_date_or_never(db, looked, settings, tmp_path):
    settings.BASE_DIR = tmp_path
    settings.SAAS_REVIEWS = tmp_path / "var" / "reviews"
    assert looked("log_review_at_seconds") == 0
    record = tmp_path / "var" / "reviews" / "log-review-2026-11-20T080000.000000.json"
    record.parent.mkdir(parents=True)
    record.write_text("{}")
    os.utime(record, (1_795_000_000, 1_795_000_000))
    (record.parent / "access-review-2026-11-21T080000.000000.json").write_text("{}")
    assert looked("log_review_at_seconds") == 1_795_000_000


def test_without_the_database_there_is_no_old_number_but_the_news(acme, looked, monkeypatch):
    assert looked("up", part="database") == 1
    assert looked("outbox_late_seconds") is not None
    monkeypatch.setattr(house, "connection", type("Gone", (), {"close": lambda: None}))

    def gone():
        raise house.Error("gone")

    monkeypatch.setattr(house, "outbox", gone)
    assert looked("up", part="database") == 0
    assert looked("outbox_late_seconds") is None
    assert looked("alerts_open", severity="high") is None
    assert looked("looked_at_seconds") == pytest.approx(time.time(), abs=60)


def test_a_scrape_asks_the_database_nothing(acme, looked):
    assert looked("up", part="database") == 1
    with CaptureQueriesContext(connection) as asked:
        for _ in range(20):
            generate_latest(looked.registry)
    assert not asked.captured_queries


@pytest.mark.parametrize("address", [EVERYWHERE, "::", "1.1.1.1", "2606:4700::1", "example.com"])
def test_an_address_that_strangers_could_reach_does_not_start(settings, address):
    settings.SAAS_METRICS_ADDRESS = address
    assert [error.id for error in the_port_is_not_public()] == ["metrics.E001"]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.5", "fd00::5"])
def test_an_address_inside_the_house_does(settings, address):
    settings.SAAS_METRICS_ADDRESS = address
    assert the_port_is_not_public() == []


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none_does_not_start(settings, port):
    settings.SAAS_METRICS_PORT = port
    assert [error.id for error in the_port_is_not_public()] == ["metrics.E001"]


def test_what_modules_count_stands_beside_it_and_a_mistyped_file_costs_no_other_number(
    db, looked, monkeypatch
):
    counts = {"secrets": 1, "reviews": 0}

    def told():
        yield "things", "What there is.", "register", dict(counts)

    monkeypatch.setattr(apps.get_app_config("metrics"), "gauges", told, raising=False)
    assert looked("things", register="secrets") == 1
    assert looked("things", register="reviews") == 0
    counts = None
    assert looked("things", register="secrets") is None
    assert looked("up", part="database") == 1
