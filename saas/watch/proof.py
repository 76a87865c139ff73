"""An alert that is known to be none, sent through the whole route to those who would get a real
one.
"""

from datetime import UTC, datetime
from uuid import uuid4

from saas.alerts import Severity
from saas.watch.detectors import Detector
from saas.watch.findings import Finding, report
from saas.watch.lines import Subject


class RouteProof(Detector):
    """What `alert_test` raises; it reads no line."""

    kind = "watch.tested"
    means = "This is a test: alerts of the watch arrive here. Nothing has happened."
    severity = Severity.LOW
    window = 86_400
    threshold = 1
    playbook = "alert-test"


def prove_route() -> None:
    """Write the row, and the letters to SAAS_OPERATORS; a worker brings them. One a day."""
    today = datetime.now(UTC).date().isoformat()
    report(Finding(RouteProof(), Subject("house", f"test of {today}"), 1, [str(uuid4())], ()))
