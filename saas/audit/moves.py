"""That the limits of a principal moved, and why, stands in the trail of their organization."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from saas.audit import trail
from saas.tenancy.binding import bind

EVENT = "limits.moved"


def record(
    tenant_id: UUID, principal_id: UUID, factor: float, reasons: Sequence[str], **_: Any
) -> None:
    """Record it, in a transaction of its own. No threshold and no score: a member may be the one
    who is slowed down.
    """
    with bind(tenant_id), trail.recording():
        trail.record(
            None, EVENT, principal=str(principal_id), factor=str(factor), reasons=list(reasons)
        )
