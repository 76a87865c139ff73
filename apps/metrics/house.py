"""What is true of the house as a whole, looked up now and then by one process: a scrape reads the
last look, so whoever scrapes a thousand times a second asks the database nothing.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import Error, close_old_connections, connection
from django.db.models import Count, Min, Q
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from apps.activity.models import Alert
from saas import counters
from saas.alerts import Severity
from saas.counters import StoreUnavailable, Window
from saas.persistence.models import OutboxEntry
from saas.tenancy.across_tenants import each_tenant_across_tenants, outbox_across_tenants

log = logging.getLogger("apps.metrics")

EVERY = 15.0  # seconds between two looks
ALERTS_EVERY = 60.0  # they are counted tenant by tenant

type Gauges = list[Metric]


class House:
    """The last look at the house, as a collector of the client library."""

    def __init__(self) -> None:
        self.seen: Gauges = []
        self._alerts: Gauges = []
        self._alerts_at = float("-inf")

    def collect(self) -> Iterator[Metric]:
        """What was seen at the last look."""
        yield from self.seen

    def look_again_and_again(self, stop: threading.Event) -> None:
        """Until told to stop."""
        while not stop.wait(0 if not self.seen else EVERY):
            self.look()

    def look(self) -> None:
        """Look once. What cannot be seen is left out, and said to be down: an old number would be
        a lie.
        """
        up = gauge("up", "Whether a part answers.", "part")
        up.add_metric(["counters"], counters_answer())
        seen = [up, log_review(), *of_modules()]
        try:
            close_old_connections()
            seen += [*outbox(), *self.alerts()]
            up.add_metric(["database"], 1)
        except Error as fault:
            log.warning("the database does not answer: %s", type(fault).__name__)
            connection.close()
            up.add_metric(["database"], 0)
        looked = gauge("looked_at_seconds", "When the house was last looked at.")
        looked.add_metric([], time.time())
        self.seen = [*seen, looked]

    def alerts(self) -> Gauges:
        """Open alerts by severity, at most once a minute."""
        if time.monotonic() - self._alerts_at >= ALERTS_EVERY:
            self._alerts = [open_alerts()]
            self._alerts_at = time.monotonic()
        return self._alerts


def gauge(name: str, help: str, *labels: str) -> GaugeMetricFamily:
    """A number of ours that goes up and down."""
    return GaugeMetricFamily(f"strongroom_{name}", help, labels=labels)


def outbox() -> Gauges:
    """How many tasks wait, are late or were given up, and for how long the latest has been due.

    A task that is being worked on, or waits for its next attempt, is not due.
    """
    now = timezone.now()
    tasks = gauge("outbox_tasks", "Tasks that wait, or were given up.", "state")
    late = gauge("outbox_late_seconds", "How long the oldest due task has waited for a worker.")
    with outbox_across_tenants():
        due = Q(state=OutboxEntry.WAITING, due_at__lte=now)
        found = OutboxEntry.objects.exclude(state=OutboxEntry.DONE).aggregate(
            waiting=Count("pk", filter=Q(state=OutboxEntry.WAITING)),
            dead=Count("pk", filter=Q(state=OutboxEntry.DEAD)),
            due=Min("due_at", filter=due),
        )
    for state in ("waiting", "dead"):
        tasks.add_metric([state], found[state])
    late.add_metric([], (now - found["due"]).total_seconds() if found["due"] else 0)
    return [tasks, late]


def open_alerts() -> Metric:
    """What nobody has acknowledged yet, of all organizations together."""
    found = Counter[str]()
    for _ in each_tenant_across_tenants():
        opened = Alert.objects.filter(acknowledged_at=None).order_by().values("severity")
        found.update({row["severity"]: row["n"] for row in opened.annotate(n=Count("pk"))})
    alerts = gauge("alerts_open", "Alerts that nobody has acknowledged.", "severity")
    for severity in Severity:
        alerts.add_metric([severity], found[severity])
    return alerts


def of_modules() -> Gauges:
    """What modules count in files of the house: `gauges` of their AppConfig."""
    found: Gauges = []
    for config in apps.get_app_configs():
        try:
            for name, help, label, counts in getattr(config, "gauges", tuple)():
                told = gauge(name, help, label)
                for key, count in counts.items():
                    told.add_metric([key], count)
                found.append(told)
        except (OSError, ValueError, KeyError, TypeError) as fault:  # a file that somebody mistyped
            log.warning("%s tells no numbers: %s", config.name, type(fault).__name__)
    return found


def log_review() -> Metric:
    """When somebody last read the logs and left a record of it; 0 is never."""
    folder = getattr(settings, "SAAS_REVIEWS", Path(settings.BASE_DIR) / "var" / "reviews")
    reviewed = gauge("log_review_at_seconds", "When the logs were last reviewed.")
    dates = [record.stat().st_mtime for record in Path(folder).glob("log-review-*.json")]
    reviewed.add_metric([], max(dates, default=0))
    return reviewed


def counters_answer() -> bool:
    """Whether the store of the limits answers."""
    try:
        counters.shared().take([Window("metrics", 1, 1)], spend=False)
    except StoreUnavailable:
        return False
    return True
