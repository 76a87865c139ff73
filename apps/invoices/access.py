"""Who may see and change an invoice."""

from enum import StrEnum
from typing import Any
from uuid import UUID

from saas.authorization.fields import FieldAccess
from saas.authorization.permissions import Permission
from saas.context import Actor


class Invoices(Permission):
    """What may be done with invoices."""

    READ = "invoices:read"
    READ_NOTES = "invoices:read-notes"
    DRAFT = "invoices:draft"
    ISSUE = "invoices:issue"


QUOTA = "invoices"  # the act that PLANS names: issuing one; a correction is free


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
    ISSUED = "invoice.issued"
    CANCELLED = "invoice.cancelled"


class PaymentEvent(StrEnum):
    """What the trail says of a payment."""

    RECORDED = "payment.recorded"
    REVERSED = "payment.reversed"


class CreditNoteEvent(StrEnum):
    """What the trail says of a credit note."""

    ISSUED = "credit-note.issued"


PUBLIC = """
    id number status customer currency lines subtotal tax_total total amount_paid amount_due
    issued_on due_on created_at updated_at note
    allowances charges prepaid rounding delivered_on buyer_reference
"""
PUBLIC_OF_LINE = """
    id description quantity unit_price tax_rate amount
    unit tax_category exemption_reason base_quantity allowances charges
"""
INVOICE_FIELDS = FieldAccess(
    public=frozenset(PUBLIC.split()), guarded={"internal_note": Invoices.READ_NOTES}
)
LINE_FIELDS = FieldAccess(public=frozenset(PUBLIC_OF_LINE.split()), guarded={})
PUBLIC_OF_PAYMENT = """
    id invoice amount currency received_on method reference created_at reversed_at
"""
PAYMENT_FIELDS = FieldAccess(public=frozenset(PUBLIC_OF_PAYMENT.split()), guarded={})
PUBLIC_OF_CREDIT_NOTE = """
    id number invoice currency reason lines subtotal tax_total total issued_on created_at
    allowances charges
"""
CREDIT_NOTE_FIELDS = FieldAccess(public=frozenset(PUBLIC_OF_CREDIT_NOTE.split()), guarded={})
PUBLIC_OF_CREDITED_LINE = "invoice_line description quantity unit_price tax_rate amount"
CREDITED_LINE_FIELDS = FieldAccess(public=frozenset(PUBLIC_OF_CREDITED_LINE.split()), guarded={})


def drafter(actor: Actor) -> UUID:
    """Whose draft it is: the person's, whichever of their keys they used; a service's own."""
    return actor.user_id or actor.principal.id


def drafted_it_or_keeps_the_books(actor: Actor, invoice: Any) -> bool:
    """Who may issue may touch any draft; who may not, a clerk, only their own (AUTHZ-07)."""
    return Invoices.ISSUE in actor.rights or invoice.drafted_by_id == drafter(actor)
