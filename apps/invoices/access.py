"""Who may see and change an invoice."""

from enum import StrEnum
from typing import Any

from saas.authorization.fields import FieldAccess
from saas.authorization.permissions import Permission
from saas.context import Actor


class Invoices(Permission):
    """What may be done with invoices."""

    READ = "invoices:read"
    READ_NOTES = "invoices:read-notes"
    DRAFT = "invoices:draft"
    ISSUE = "invoices:issue"


class Payments(Permission):
    """What may be done with the money that came in."""

    WRITE = "payments:write"


class CreditNotes(Permission):
    """What may be done to take back what was issued."""

    WRITE = "credit-notes:write"


class InvoiceEvent(StrEnum):
    """What the trail says of an invoice."""

    DRAFTED = "invoice.drafted"
    CHANGED = "invoice.changed"
    DELETED = "invoice.deleted"


PUBLIC = """
    id number status customer currency lines subtotal tax_total total amount_paid amount_due
    issued_on due_on created_at updated_at note
    allowances charges prepaid rounding delivered_on buyer_reference
"""
INVOICE_FIELDS = FieldAccess(
    public=frozenset(PUBLIC.split()), guarded={"internal_note": Invoices.READ_NOTES}
)


def drafted_it_or_keeps_the_books(actor: Actor, invoice: Any) -> bool:
    """A clerk touches only their own drafts; who may issue, or is no clerk's hand, may touch any
    (AUTHZ-07).
    """
    return Invoices.ISSUE in actor.rights or invoice.drafted_by_id in (
        actor.user_id,
        actor.principal.id,
    )
