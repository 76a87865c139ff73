"""What can happen to an issued invoice: money comes in, or turns out not to have come in."""

from datetime import date
from decimal import Decimal

from apps.invoices.access import PaymentEvent
from apps.invoices.models import Invoice, Payment, PaymentReversal
from apps.invoices.money import DECIMALS, is_storable, places_of, written
from apps.organizations.queries import today
from saas.audit import trail
from saas.context import Actor
from saas.errors import Problem, invalid

MONEY = ("status", "amount_paid", "amount_credited", "version", "updated_at")


def record_payment(
    actor: Actor,
    invoice: Invoice,
    *,
    amount: Decimal,
    received_on: date | None = None,
    method: str | None = None,
    reference: str | None = None,
) -> Payment:
    """Write down money that came in for `invoice`, whose row is locked. `received_on` is today
    unless given.

    Raises 400 for an amount that its currency does not have, 409 for an invoice that claims
    nothing (any more) and for more than is due.
    """
    if places_of(amount) > DECIMALS[invoice.currency]:
        detail = f"{invoice.currency} has {DECIMALS[invoice.currency]} decimals."
        raise invalid("places", detail, pointer="/amount")
    if not is_storable(amount, invoice.currency):
        raise invalid("max", "This amount is too large.", pointer="/amount")
    refuse_unless_claimed(invoice)
    if amount > invoice.amount_due:
        due = written(invoice.amount_due, invoice.currency)
        raise Problem("overpayment", f"No more than {due} {invoice.currency} is due.")
    payment = Payment(
        invoice=invoice,
        amount=amount,
        received_on=received_on or today(),
        method=method,
        reference=reference,
    )
    payment.save(force_insert=True)
    invoice.amount_paid += amount
    save_settled(invoice)
    trail.record(actor, PaymentEvent.RECORDED, payment, invoice=str(invoice.pk))
    return payment


def reverse_payment(actor: Actor, invoice: Invoice, payment: Payment) -> Payment:
    """Take a payment back, which stays written down. `invoice`, its row locked, is due again.

    Raises 409 the second time.
    """
    if payment.reversed_at:
        raise Problem("conflict", "This payment has been reversed already.")
    reversal = PaymentReversal(payment=payment)
    reversal.save(force_insert=True)
    invoice.amount_paid -= payment.amount
    save_settled(invoice)
    trail.record(actor, PaymentEvent.REVERSED, payment, invoice=str(invoice.pk))
    return payment


def refuse_unless_claimed(invoice: Invoice) -> None:
    """Raise 409 for a draft, which claims nothing yet, and for what is void."""
    if invoice.status not in ("issued", "paid"):
        raise Problem("conflict", f"This invoice is {invoice.status}.")


def save_settled(invoice: Invoice) -> None:
    """Write what the money changed, and nothing else: the rest of an issued invoice is frozen."""
    invoice.settle()
    invoice.version += 1
    invoice.save(update_fields=MONEY)
