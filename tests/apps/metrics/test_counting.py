"""What is counted, by which words, and what happens when counting fails."""

import re

import pytest

from saas import alerts
from saas.alerts import Severity
from saas.edge.log import LISTENERS
from saas.persistence.worker import run_due
from saas.tenancy.binding import bind
from tests.apps.metrics.conftest import LINE
from tests.toy import tasks

pytestmark = pytest.mark.practice("LOG-16")
LABELS = {
    "strongroom_requests_total": {"operation", "method", "status", "decision"},
    "strongroom_request_seconds": {"operation", "le"},
    "strongroom_request_bytes_total": {"direction"},
}


def test_answers_are_counted_by_operation_method_class_and_decision(acme, stranger, counted):
    assert acme.viewer.get("customers").status_code == 200
    assert acme.viewer.get("customers").status_code == 200
    assert acme.viewer.post("customers", {"name": "x", "country": "DE"}).status_code == 403
    assert stranger("GET", "customers").status_code == 401
    assert stranger("GET", "/nowhere").status_code == 404

    def answers(operation, method, status, decision):
        words = {"operation": operation, "method": method, "status": status, "decision": decision}
        return counted.value("requests_total", **words)

    assert answers("customers.list", "GET", "2xx", "allow") == 2
    assert answers("customers.create", "POST", "4xx", "permission-denied") == 1
    assert answers("none", "GET", "4xx", "invalid-token") == 1
    assert answers("none", "GET", "4xx", "not-found") == 1
    assert counted.value("request_seconds_count", operation="customers.list") == 2
    assert counted.value("request_seconds_sum", operation="customers.list") > 0
    assert counted.value("request_bytes_total", direction="in") > 0
    assert counted.value("request_bytes_total", direction="out") > 0


def test_nothing_of_a_caller_is_a_label(acme, stranger, counted):
    """Whoever could choose a label could choose how much memory we spend; and who reads the numbers
    is not who may read the customers.
    """
    canary = "canary-3f9c"
    sent = {"X-Request-Id": "0199f3a0-0000-7000-8000-00000000cafe", "User-Agent": canary}
    for number in range(3):
        acme.owner.get(f"customers/0199f3a0-0000-7000-8000-00000000000{number}", **sent)
        acme.owner.get(f"{canary}-{number}", **sent)
        acme.owner.get(f"customers?{canary}={number}", **sent)
        acme.owner.post("customers", {canary: number}, **sent)
        stranger(f"{canary.upper()}-{number}", "/health/live")
        stranger("GET", "customers", X_API_Key=f"sr_live_{canary}{number}")
    page = counted.page()
    of_theirs = [acme.id, acme.owner.user.pk, acme.owner.key.pk, "Acme", "127.0.0.1", canary]
    for word in [*map(str, of_theirs), canary.upper(), "0199f3a0", "customers/", "sr_live"]:
        assert word not in page
    for name, labels in re.findall(r"^(\w+?)(?:_bucket|_sum|_count)?\{(.*)\}", page, re.M):
        assert set(re.findall(r"(\w+)=", labels)) <= LABELS[name]
    assert 'method="?"' in page


def test_words_that_nobody_planned_spend_no_memory(counted, monkeypatch):
    monkeypatch.setattr("apps.metrics.counting.MOST_SERIES", 20)
    for number in range(500):
        counted.counting.count(LINE | {"operation_id": f"unplanned.{number}"})
    assert counted.page().count("strongroom_requests_total{") == 21
    words = {"operation": "other", "method": "other", "status": "2xx", "decision": "other"}
    assert counted.value("requests_total", **words) == 480


def test_what_a_room_noticed_is_counted(counted):
    counted.counting.count(LINE | {"events": ["key.honeytoken-used", "key.honeytoken-used"]})
    assert counted.value("events_total", event="key.honeytoken-used") == 2


def test_alerts_are_counted_by_kind_and_severity(acme, counted):
    with bind(acme.id):
        alerts.alert(acme.id, "key.elsewhere", "Somewhere else.", severity=Severity.MEDIUM)
    assert counted.value("alerts_total", kind="key.elsewhere", severity="medium") == 1


def test_attempts_of_the_worker_are_counted_by_how_they_ended(acme, counted):
    with bind(acme.id):
        tasks.write.enqueue("good")
        tasks.write_and_fail.enqueue("bad")
    run_due()

    def attempts(task, outcome):
        return counted.value("tasks_total", task=f"tests.toy.tasks.{task}", outcome=outcome)

    assert (attempts("write", "done"), attempts("write", "failed")) == (1, 0)
    assert (attempts("write_and_fail", "done"), attempts("write_and_fail", "failed")) == (0, 1)
    assert counted.value("task_seconds_count", task="tests.toy.tasks.write") == 1


def test_a_file_that_cannot_be_written_costs_the_counts_and_no_request(
    acme, counted, monkeypatch, caplog
):
    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(counted.counting, "bind", full)
    assert acme.viewer.get("customers").status_code == 200
    assert acme.viewer.get("invoices").status_code == 200
    assert caplog.text.count("this process counts no more") == 1


@pytest.mark.core
def test_without_a_port_nobody_listens():
    assert not [
        one for one in LISTENERS if getattr(one, "__module__", "").startswith("apps.metrics")
    ]


@pytest.mark.core
def test_the_public_port_does_not_know_metrics(stranger):
    metrics, nothing = stranger("GET", "/metrics"), stranger("GET", "/nothing-here")
    assert metrics.status_code == nothing.status_code == 404
    assert metrics.json() | {"instance": ""} == nothing.json() | {"instance": ""}
