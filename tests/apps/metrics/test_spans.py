"""What a collector is sent by a real server and a real worker, and what it is never sent."""

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from django.conf import settings as live

from tests.apps.metrics.collector import attributes, collecting
from tests.cast import make_tenant
from tests.conformance.server import database_url, serving
from tests.practices import ROOT
from tests.saas.wire import on_postgresql

pytestmark = [pytest.mark.practice("LOG-16"), on_postgresql]

CANARY = "canary-7d2e"
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
OF_A_REQUEST = {
    "http.request.method",
    "http.route",
    "http.response.status_code",
    "strongroom.request_id",
    "strongroom.operation",
    "strongroom.decision",
}


def ask(address, method, path, body=None, **headers):
    """The status and the request id."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    data = None if body is None else json.dumps(body).encode()
    if data:
        headers["Content-Type"] = "application/json"
    asked = urllib.request.Request(address + path, data, headers, method=method)  # noqa: S310  # our own
    try:
        with urllib.request.urlopen(asked) as answer:  # noqa: S310  # our own
            return answer.status, answer.headers["X-Request-Id"]
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers["X-Request-Id"]


def test_a_request_its_statements_and_its_task_are_one_trace_without_what_was_sent(
    committed, tmp_path
):
    acme = make_tenant("Acme")
    with collecting() as collector:
        variables = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.address,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }
        log = tmp_path / "log"
        with serving(log, **variables) as address:
            mine = {
                "X_API_Key": acme.owner.secret,
                "traceparent": f"00-{TRACE}-{SPAN}-00",  # not recorded, if it were theirs to say
                "baggage": f"secret={CANARY}",
                "tracestate": f"them={CANARY}",
                "User_Agent": CANARY,
            }
            invitation = {"email": f"{CANARY}@example.com"}
            status, followed = ask(address, "POST", "/api/v1/invitations", invitation, **mine)
            assert status == 201
            status, own = ask(address, "GET", f"/api/v1/customers?{CANARY}=1", X_API_Key=CANARY)
            assert status == 401
            status, _ = ask(address, "GET", f"/{CANARY}/{CANARY}?q={CANARY}", Referer=CANARY)
            assert status == 404
            (sent,) = collector.wait_for(1, **{"strongroom.request_id": followed})
            (alone,) = collector.wait_for(1, **{"strongroom.request_id": own})
        work(variables)
        (task,) = collector.wait_for(
            1, **{"strongroom.request_id": followed, "strongroom.attempt": 1}
        )

    assert (sent.trace_id.hex(), sent.parent_span_id.hex()) == (TRACE, SPAN)
    assert sent.name == "POST api/v1/invitations"
    assert attributes(sent).keys() == OF_A_REQUEST
    assert attributes(sent)["http.response.status_code"] == 201
    assert alone.trace_id.hex() == own.replace("-", "")  # as the access log calls it
    assert task.trace_id == sent.trace_id
    lines = [json.loads(line) for line in re.findall(r"\{.*\}$", log.read_text(), re.M)]
    logged = {line["request_id"]: line["trace_id"] for line in lines if "request_id" in line}
    assert (logged[followed], logged[own]) == (TRACE, alone.trace_id.hex())

    statements = [one for one in collector.spans if one.parent_span_id == sent.span_id]
    assert {"INSERT", "SELECT"} <= {one.name for one in statements}
    assert {frozenset(attributes(one)) for one in statements} == {
        frozenset({"db.system.name", "db.operation.name"})
    }
    for secret in (CANARY, acme.owner.secret, str(acme.id), "127.0.0.1", "INSERT INTO", "Acme"):
        assert secret.encode() not in collector.raw


def work(variables):
    """What is due, in a process of its own."""
    environment = (
        os.environ
        | variables
        | {
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "DATABASE_URL": database_url(),
        }
    )
    command = [sys.executable, "manage.py", "worker", "--once"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=60)


def test_the_last_spans_go_out_when_the_server_ends(committed, tmp_path):
    with collecting() as collector:
        variables = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.address,
            "OTEL_BSP_SCHEDULE_DELAY": "600000",  # nothing else sends them
        }
        with serving(tmp_path / "log", **variables) as address:
            _, asked = ask(address, "GET", "/health/ready")
        collector.wait_for(1, **{"strongroom.request_id": asked})


def test_a_collector_that_is_gone_costs_no_request(committed, tmp_path):
    make_tenant("Acme")
    gone = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_BSP_SCHEDULE_DELAY": "50"}
    with serving(tmp_path / "log", **gone) as address:
        for _ in range(5):
            assert ask(address, "GET", "/health/ready")[0] == 200


@pytest.mark.core
def test_without_an_endpoint_nothing_is_traced():
    assert live.SAAS_TRACES == ""
    asking = "import django, sys; django.setup(); print('apps.metrics.spans' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", asking], capture_output=True, text=True)
    assert told.stdout == "False\n", told.stderr
