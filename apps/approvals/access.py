"""What waits for a second person, who may decide, and what the trail says of it."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.conf import settings

from saas.authorization.approval import Act
from saas.authorization.fields import FieldAccess

TWO_PERSONS, INVOICES_OVER = "require_two_persons", "approve_invoices_over"
Limits = Mapping[str, str] | None  # of the second: the amount that is free, by currency

APPROVAL_FIELDS = FieldAccess(
    public=frozenset(
        {
            *("id", "kind", "object", "wanted", "state", "asked_by", "asked_at", "expires_at"),
            *("takes_effect_at", "decided_by", "decided_at", "reason"),
        }
    ),
    guarded={},
)


class ApprovalEvent(StrEnum):
    """What the trail says of an approval."""

    REQUESTED = "approval.requested"
    DECIDED = "approval.decided"
    USED = "approval.used"
    EXPIRED = "approval.expired"


def needs_second_person(act: Act, policy: Mapping[str, Any]) -> bool:
    """Whether an organization with this policy lets nobody do this alone (AUTHZ-09)."""
    if act.kind == "invoice.issue":
        return is_over(policy[INVOICES_OVER], act.wanted["currency"], act.wanted["total"])
    if act.kind == "security-policy.change":
        return loosens(act.wanted, policy)
    return bool(policy[TWO_PERSONS] and act.granted & settings.SAAS_SENSITIVE_SCOPES)


def loosens(wanted: Mapping[str, Any], policy: Mapping[str, Any]) -> bool:
    """Whether less would wait than now: who could do that alone would do it first."""
    ends = policy[TWO_PERSONS] and wanted.get(TWO_PERSONS) is False
    before, after = policy[INVOICES_OVER], wanted.get(INVOICES_OVER, policy[INVOICES_OVER])
    return bool(ends) or (
        before is not None
        and (after is None or any(is_over(before, name, after[name]) for name in after))
    )


def is_over(limits: Limits, currency: str, amount: str) -> bool:
    """Whether an amount is more than one person may claim. A currency without a limit has none that
    is free, or whoever is over it in one would claim in another.
    """
    return limits is not None and Decimal(amount) > Decimal(limits.get(currency, "0"))
