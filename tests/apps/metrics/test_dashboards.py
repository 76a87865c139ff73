"""What hangs on the wall shows something: every query of it is asked of a real Prometheus that
scrapes real counts.
"""

import json
import re
import socket
import time

import pytest
from prometheus_client import start_http_server

from apps.metrics import house
from apps.metrics.house import House
from saas.alerts import Severity, alert
from saas.persistence.worker import run_due
from saas.tenancy.binding import bind
from tests.apps.metrics.conftest import LINE
from tests.practices import ROOT
from tests.servers.prometheus import prometheus, promtool
from tests.toy import tasks

pytestmark = pytest.mark.practice("LOG-16")
DEPLOY = ROOT / "deploy"
PROMETHEUS = DEPLOY / "prometheus" / "prometheus.yml"
DASHBOARDS = sorted((DEPLOY / "dashboards").glob("*.json"))
BUSY = [
    {},
    {"operation_id": "invoices.create", "method": "POST", "status": 201, "bytes_in": 300},
    {"status": 401, "operation_id": None, "decision": "invalid-token"},
    {"status": 429, "decision": "rate-limited", "events": ["key.honeytoken-used"]},
    {"status": 500, "decision": "internal-error", "duration_ms": 1500},
]


def queries():
    """Every query of every panel, with where it stands."""
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                yield f"{path.stem}: {panel['title']}", target["expr"]


def test_every_query_of_every_dashboard_finds_data_in_a_real_prometheus(
    acme, counted, monkeypatch, tmp_path
):
    monkeypatch.setattr(house, "close_old_connections", lambda: None)  # within a transaction
    seen = House()
    counted.registry.register(seen)
    server, thread = start_http_server(0, "127.0.0.1", counted.registry)
    config = PROMETHEUS.read_text()
    for ours, of_the_test in (
        ("127.0.0.1:9101", f"127.0.0.1:{server.server_port}"),
        (": 15s", ": 200ms"),
        ("- rules.yml", f"- {DEPLOY}/prometheus/rules.yml"),
    ):
        assert ours in config
        config = config.replace(ours, of_the_test)
    (tmp_path / "prometheus.yml").write_text(config)
    with socket.create_server(("127.0.0.1", 0)) as spare:
        port = spare.getsockname()[1]

    def be_busy():
        for line in BUSY:
            counted.counting.count(LINE | line)
        with bind(acme.id):
            alert(acme.id, "key.elsewhere", "Somewhere else.", severity=Severity.MEDIUM)
            tasks.write.enqueue("a note")
        run_due()
        seen.look()

    try:
        be_busy()
        with prometheus(tmp_path / "prometheus.yml", tmp_path, port) as ask:
            deadline = time.monotonic() + 90
            while (empty := unanswered(ask)) and time.monotonic() < deadline:
                be_busy()
                time.sleep(0.2)
            assert not empty
            assert ask('up{job="strongroom"}')[0]["value"][1] == "1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def unanswered(ask):
    """The queries that find nothing, or no number."""
    return [
        (place, query)
        for place, query in queries()
        if not (found := ask(query)) or all(one["value"][1] == "NaN" for one in found)
    ]


def test_a_dashboard_asks_for_nothing_that_we_do_not_count(counted):
    names = set(re.findall(r"strongroom_\w+", "".join(query for _, query in queries())))
    ours = {name.removesuffix("_bucket") for name in names} - {
        f"strongroom_{name}" for name in GAUGES
    }
    counting = counted.counting
    made = [counting.requests, counting.durations, counting.events, counting.alerts]
    made += [counting.tasks, counting.task_durations]
    assert ours == {sample for one in made for sample in samples_of(one)} | {
        "strongroom_request_bytes_total"
    }


GAUGES = ["up", "outbox_tasks", "outbox_late_seconds", "alerts_open", "log_review_at_seconds"]
GAUGES += ["looked_at_seconds"]


def samples_of(metric):
    """The name by which a query asks for it."""
    yield metric._name + ("_total" if metric._type == "counter" else "")


def test_the_configuration_and_the_rules_are_what_prometheus_understands():
    assert "SUCCESS" in promtool("check", "config", PROMETHEUS)


def test_each_rule_speaks_when_it_should_and_is_silent_otherwise():
    promtool("test", "rules", ROOT / "tests" / "apps" / "metrics" / "rules_test.yml")


def test_each_rule_is_tried():
    rules = re.findall(r"- alert: (\w+)", (DEPLOY / "prometheus" / "rules.yml").read_text())
    tried = (ROOT / "tests" / "apps" / "metrics" / "rules_test.yml").read_text()
    assert {name for name in rules if f"alertname: {name}" not in tried} == set()
