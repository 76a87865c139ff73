"""What can happen to a draft; the last of it is that it is issued."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from apps.customers.models import Customer
from apps.customers.queries import kept_customer
from apps.invoices.access import QUOTA, InvoiceEvent, Invoices, drafter
from apps.invoices.models import Invoice, InvoiceLine
from apps.invoices.money import plain, written
from apps.invoices.numbering import INVOICES, next_number
from apps.invoices.pricing import AMOUNTS, LISTS, price, refuse_foreign_amounts
from apps.organizations.queries import organization, today
from saas.audit import trail
from saas.authorization.approval import Act, agreed
from saas.context import Actor
from saas.errors import Problem, invalid
from saas.persistence import quotas
from saas.persistence.statements import insert, made

TERM = timedelta(days=30)  # for who names no day on which payment is due


def draft_invoice(
    actor: Actor,
    *,
    customer: UUID,
    currency: str,
    lines: Iterable[Mapping[str, Any]],
    **fields: Any,
) -> Invoice:
    """A new draft for a customer of the actor's organization. Raises 400 for another's customer,
    and for amounts that do not fit the currency.
    """
    refuse_foreign_amounts({"lines": lines, **fields}, currency)
    invoice = made(Invoice, drafted_by_id=drafter(actor), currency=currency)
    _keep_buyer(invoice, customer)
    _assign(invoice, fields)
    invoice.positions = _positions(invoice, lines)
    price(invoice)
    insert(invoice.positions, [invoice])  # in this order the database locks it for none of them
    trail.record(actor, InvoiceEvent.DRAFTED, invoice)
    return invoice


def change_draft(actor: Actor, invoice: Invoice, **fields: Any) -> Invoice:
    """Change some fields of a draft; `lines` replaces them all. The trail names what changed.

    Raises 409 when it is no draft, or when another currency would leave amounts behind that were
    written in the old one; 400 as `draft_invoice` does. A `customer` in the body, be it the same,
    has the buyer kept again as they are now.
    """
    _refuse_unless_draft(invoice)
    _refuse_other_currency(invoice, fields)
    named = sorted(fields)
    invoice.currency = fields.pop("currency", invoice.currency)
    refuse_foreign_amounts(fields, invoice.currency)
    lines = fields.pop("lines", None)
    if "customer" in fields:
        _keep_buyer(invoice, fields.pop("customer"))
    _assign(invoice, fields)
    if lines is not None:
        invoice.positions = _positions(invoice, lines)
    price(invoice)
    invoice.version += 1
    invoice.save()
    if lines is not None:
        InvoiceLine.objects.filter(invoice=invoice).delete()
        insert(invoice.positions)
    trail.record(actor, InvoiceEvent.CHANGED, invoice, fields=named)
    return invoice


def delete_draft(actor: Actor, invoice: Invoice) -> None:
    """Throw a draft away, which had no number yet, so none is missing. Raises 409 afterwards."""
    _refuse_unless_draft(invoice)
    trail.record(actor, InvoiceEvent.DELETED, invoice)
    invoice.delete()


def issue_invoice(
    actor: Actor, invoice: Invoice, *, issued_on: date | None = None, due_on: date | None = None
) -> Invoice:
    """Freeze a draft and give it the next number of the year of `issued_on`, today where the
    organization is unless it is given. `due_on` is the draft's own unless given, or 30 days later.

    Seller and buyer are copied as they are now. Raises 409 when it is no draft or has no lines,
    400 when it would be due before it is issued, 429 when the plan has no room this month.
    """
    _refuse_unless_draft(invoice)
    if not invoice.positions:
        raise Problem("conflict", "An invoice without lines claims nothing: add one first.")
    asked = {"issued_on": issued_on and str(issued_on), "due_on": due_on and str(due_on)}
    invoice.issued_on = issued_on or today()
    invoice.due_on = due_on or invoice.due_on or invoice.issued_on + TERM
    if invoice.due_on < invoice.issued_on:
        raise invalid("min", "This may not be before the day of issue.", pointer="/due_on")
    wanted = {"total": written(invoice.total, invoice.currency), "currency": invoice.currency}
    kept = {"version": invoice.version}
    agreed(actor, Act("invoice.issue", invoice, frozenset({Invoices.ISSUE}), wanted | asked, kept))
    seller = organization().get()
    invoice.seller = {"id": str(seller.pk), "name": seller.name}
    _copy_buyer(invoice, invoice.customer)
    invoice.settle()
    invoice.version += 1
    quotas.count(QUOTA, seller.plan)
    invoice.number = next_number(INVOICES, invoice.issued_on.year)  # last: it locks the series
    invoice.save()
    trail.record(actor, InvoiceEvent.ISSUED, invoice, number=invoice.number)
    return invoice


def _refuse_unless_draft(invoice: Invoice) -> None:
    if not invoice.is_draft:
        raise Problem("conflict", f"This invoice is {invoice.status}; only a draft may change.")


def _refuse_other_currency(invoice: Invoice, fields: Mapping[str, Any]) -> None:
    """A number that keeps its digits and changes its currency is another amount (X-19)."""
    if fields.get("currency", invoice.currency) == invoice.currency:
        return
    stale = [
        name
        for name in ("lines", *LISTS, *AMOUNTS)
        if name not in fields and (name == "lines" or getattr(invoice, name))
    ]
    if stale:
        raise Problem(
            "conflict",
            f"The currency is fixed by what was written in it: send {', '.join(stale)} anew.",
        )


def _keep_buyer(invoice: Invoice, customer_id: UUID) -> None:
    """Copy the buyer as they are now: what they change later changes no invoice.

    The row is locked, so that nobody deletes a customer while their first invoice is written.
    """
    customer = kept_customer(customer_id)
    if customer is None:  # another tenant's, or nobody's: one answer, or it would tell them apart
        raise invalid("not-found", "There is no such customer.", pointer="/customer")
    invoice.customer = customer
    _copy_buyer(invoice, customer)


def _copy_buyer(invoice: Invoice, customer: Customer) -> None:
    invoice.buyer = {name: getattr(customer, name) for name in ("name", "country", "address")}
    invoice.buyer_email = customer.email
    invoice.buyer_tax_id = customer.tax_id


def _assign(invoice: Invoice, fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        setattr(invoice, name, _entries(value, invoice.currency) if name in LISTS else value)


def _positions(invoice: Invoice, lines: Iterable[Mapping[str, Any]]) -> list[InvoiceLine]:
    """The lines of a body as rows, in their order."""
    positions = []
    for position, line in enumerate(lines, start=1):
        given = {
            name: _entries(value, invoice.currency) if name in LISTS else value
            for name, value in line.items()
        }
        row = made(InvoiceLine, invoice_id=invoice.pk, position=position, **given)
        row.invoice = invoice
        positions.append(row)
    return positions


def _entries(entries: Iterable[Mapping[str, Any]], currency: str) -> list[dict[str, str]]:
    """Allowances or charges as they are kept: JSON knows no decimals, so as they travel."""
    kept = []
    for entry in entries:
        entry = {**entry, "amount": written(entry["amount"], currency)}
        if "tax_rate" in entry:
            entry["tax_rate"] = plain(entry["tax_rate"], 2)
        kept.append(entry)
    return kept
