"""Counting as it is where SAAS_METRICS_PORT is set, into a folder of the test."""

from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector

from apps.metrics.counting import Counting
from saas import alerts
from saas.edge.log import LISTENERS
from saas.persistence import worker

LINE = {
    "ts": "2026-11-22T12:00:00.000Z",
    "request_id": "0199f3a0-0000-7000-8000-000000000001",
    "trace_id": "0199f3a0000070008000000000000001",
    "ip": "203.0.113.7",
    "user_id": "0199f3a0-0000-7000-8000-000000000002",
    "principal": "0199f3a0-0000-7000-8000-000000000003",
    "org": "0199f3a0-0000-7000-8000-000000000004",
    "credential_id": "0199f3a0-0000-7000-8000-000000000005",
    "auth_method": "api-key",
    "operation_id": "invoices.list",
    "route": "api/v1/invoices",
    "method": "GET",
    "status": 200,
    "duration_ms": 12.5,
    "bytes_in": 0,
    "bytes_out": 512,
    "object_ids": [],
    "disclosed": [],
    "exposed_parameters": [],
    "decision": "allow",
    "events": [],
}


@pytest.fixture
def counted(tmp_path, monkeypatch, settings):
    """`page()` is what Prometheus would read, `value(sample, **labels)` one number of it, `folder`
    where the files are and `counting` what counts.
    """
    folder = tmp_path / "metrics"
    settings.SAAS_METRICS_FOLDER = str(folder)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(folder))
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    counting = Counting()
    counting.join()
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))

    def page():
        return generate_latest(registry).decode()

    def value(sample, **labels):
        return registry.get_sample_value(f"strongroom_{sample}", labels) or 0

    yield SimpleNamespace(
        page=page, value=value, folder=folder, counting=counting, registry=registry
    )
    LISTENERS.remove(counting.count)
    worker.LISTENERS.remove(counting.attempt)
    assert alerts.noticed.disconnect(dispatch_uid="metrics")
    values.ValueClass.close_all_files()
