"""Lines of the access log, attempts of the worker and alerts become counts, and nothing of a line
but fixed words does.
"""

import logging
from collections.abc import Callable
from typing import Any

from prometheus_client import Counter, Histogram, values

from apps.metrics import knobs
from apps.metrics.slots import Slot
from saas import alerts
from saas.edge.log import LISTENERS
from saas.persistence import worker

log = logging.getLogger("apps.metrics")

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
MOST_SERIES = 5000  # of requests, in one process; a guard for the day when a label is not fixed

type Count = Callable[[float], None]


class Counting:
    """The counts of this process, in the files of its slot."""

    def __init__(self) -> None:
        values.ValueClass = values.MultiProcessValue(Slot(knobs.folder()))
        self.requests = counter("requests", "Answers.", "operation", "method", "status", "decision")
        self.durations = histogram("request_seconds", "From the first door out.", "operation")
        sizes = counter("request_bytes", "Of bodies.", "direction")
        self.bytes_in: Count = sizes.labels("in").inc
        self.bytes_out: Count = sizes.labels("out").inc
        self.events = counter("events", "What a room noticed.", "event")
        self.alerts = counter("alerts", "What was told to an organization.", "kind", "severity")
        self.tasks = counter("tasks", "Attempts at tasks of the outbox.", "task", "outcome")
        self.task_durations = histogram("task_seconds", "Of one attempt.", "task")
        self.bound: dict[tuple[Any, ...], tuple[Count, Count]] = {}
        self.is_broken = False

    def join(self) -> None:
        """Be told from now on."""
        LISTENERS.append(self.count)
        worker.LISTENERS.append(self.attempt)
        alerts.noticed.connect(self.alert, dispatch_uid="metrics")

    def count(self, line: dict[str, Any]) -> None:
        """Count one request. What cannot be counted is not worth a request: a full disk or a
        broken file stops the counting in this process, and nothing else.
        """
        if self.is_broken:
            return
        try:
            key = (line["operation_id"], line["method"], line["status"] // 100, line["decision"])
            found = self.bound.get(key) or self.bind(key)
            found[0](1)
            found[1](line["duration_ms"] / 1000)
            self.bytes_in(line["bytes_in"])
            self.bytes_out(line["bytes_out"])
            for event in line["events"]:
                self.events.labels(event).inc()
        except Exception:
            self.is_broken = True
            log.exception("this process counts no more")

    def bind(self, key: tuple[Any, ...]) -> tuple[Count, Count]:
        """Find the two counts of such a request once; to look them up each time costs the most.

        All four words are ours: an operation's name, a known method, a class of answers, a code of
        the catalogue. Tenants, people, addresses and paths are never labels: a caller who chooses a
        label chooses how much memory we spend.
        """
        operation, method, status, decision = key
        if len(self.bound) >= MOST_SERIES:
            operation, method, decision = "other", "other", "other"
        operation = operation or "none"
        requests = self.requests.labels(operation, method, f"{status}xx", decision or "none")
        found = requests.inc, self.durations.labels(operation).observe
        if len(self.bound) < MOST_SERIES:
            self.bound[key] = found
        return found

    def attempt(self, line: dict[str, Any]) -> None:
        """Count one attempt of a worker, by the task's name."""
        try:
            self.tasks.labels(line["task"], line["outcome"]).inc()
            self.task_durations.labels(line["task"]).observe(line["duration_ms"] / 1000)
        except Exception:
            log.exception("an attempt was not counted")

    def alert(self, kind: str, severity: str, **_: Any) -> None:
        """Count one alert."""
        self.alerts.labels(kind, str(severity)).inc()


def counter(name: str, help: str, *labels: str) -> Counter:
    """A count of ours, in no registry: the files are read by another process."""
    return Counter(f"strongroom_{name}", help, labels, registry=None)


def histogram(name: str, help: str, *labels: str) -> Histogram:
    """Seconds of ours."""
    return Histogram(f"strongroom_{name}", help, labels, registry=None, buckets=SECONDS)
