"""LOG-04 is watched too: an audit chain that was changed rings, and nobody has to think of it."""

import time

from saas.alerts import Severity, alert
from saas.audit.chain import fault_in_slice
from saas.tenancy.binding import bound_tenant

KIND = "audit.chain-broken"
PLAYBOOK = "audit-chain-broken"
PERIOD = 3600  # seconds: the chain of the bound tenant is looked at so often
SLICE = 5000  # entries: a tenth of a second


def verify_slice() -> None:
    """Verify the next slice of the bound tenant's chain; an alert names the entry."""
    fault = fault_in_slice(int(time.time() // PERIOD), SLICE)
    if fault is not None:
        alert(
            bound_tenant(),
            KIND,
            f"The audit chain cannot be believed from entry {fault.seq} on: {fault.reason}.",
            severity=Severity.HIGH,
            data={"seq": fault.seq},
        )
