"""A draft gets its amounts; what cannot be an amount of its currency is refused."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from apps.invoices.models import Invoice, InvoiceLine
from apps.invoices.money import DECIMALS, is_storable, places_of
from apps.invoices.tax import category_of
from apps.invoices.totals import Share, line_amount, totals
from saas.errors import FieldError, Problem, invalid

LISTS = ("allowances", "charges")
AMOUNTS = ("prepaid", "rounding")


def refuse_foreign_amounts(fields: Mapping[str, Any], currency: str) -> None:
    """400 that points at every amount of a body with more decimals than `currency` has, or more
    digits than can be kept: an amount that would be rounded is not the one that was meant.
    """
    faults = [
        FieldError("places", f"{currency} has {DECIMALS[currency]} decimals.", pointer=pointer)
        for pointer, amount in _amounts(fields)
        if places_of(amount) > DECIMALS[currency]
    ]
    faults += [
        FieldError("max", "This amount is too large.", pointer=pointer)
        for pointer, amount in _amounts(fields)
        if not is_storable(amount, currency)
    ]
    if faults:
        raise Problem("invalid-request", "Some amounts do not fit the currency.", errors=faults)


def _amounts(fields: Mapping[str, Any]) -> Iterator[tuple[str, Decimal]]:
    """The amounts in a body that are in the currency of the document, each with its pointer."""
    for name in AMOUNTS:
        if fields.get(name) is not None:
            yield f"/{name}", fields[name]
    for name in LISTS:
        for index, entry in enumerate(fields.get(name, ())):
            yield f"/{name}/{index}/amount", entry["amount"]
    for index, line in enumerate(fields.get("lines", ())):
        for pointer, amount in _amounts(line):
            yield f"/lines/{index}{pointer}", amount


def price(invoice: Invoice) -> None:
    """Set the amounts of every line and the totals. Raises 400 for one that is too large to keep,
    and for a total below zero: who owes the buyer money writes a credit note.
    """
    for index, line in enumerate(invoice.positions):
        line.amount = _line_amount(line, invoice.currency)
        _refuse_unless_storable(line.amount, invoice.currency, f"/lines/{index}")
    counted = totals(shares(invoice), invoice.currency)
    for amount in counted:
        _refuse_unless_storable(amount, invoice.currency, "/lines")
    if min(counted) < 0:
        raise invalid("min", "An invoice may not come to less than zero.", pointer="/lines")
    invoice.subtotal, invoice.tax_total, invoice.total = counted
    if invoice.amount_due < 0:
        raise invalid("min", "No more may be due than nothing.", pointer="/prepaid")
    _refuse_unless_storable(invoice.amount_due, invoice.currency, "/rounding")


def _line_amount(line: InvoiceLine, currency: str) -> Decimal:
    return line_amount(
        line.quantity, line.unit_price, line.base_quantity, adjustment_of(line), currency
    )


def adjustment_of(line: InvoiceLine) -> Decimal:
    """The charges of a line less its allowances."""
    return _sum(line.charges) - _sum(line.allowances)


def _sum(entries: Sequence[Mapping[str, str]]) -> Decimal:
    return sum((Decimal(entry["amount"]) for entry in entries), Decimal(0))


def shares(invoice: Invoice) -> Iterator[Share]:
    """Every net amount of the document; its own allowances lower the share of their category."""
    for line in invoice.positions:
        yield Share(category_of(line.tax_category, line.tax_rate), line.tax_rate, line.amount)
    for sign, entries in ((-1, invoice.allowances), (1, invoice.charges)):
        for entry in entries:
            rate = Decimal(entry["tax_rate"])
            category = category_of(entry.get("tax_category"), rate)
            yield Share(category, rate, sign * Decimal(entry["amount"]))


def _refuse_unless_storable(amount: Decimal, currency: str, pointer: str) -> None:
    if not is_storable(amount, currency):
        raise invalid("max", "This comes to more than can be kept.", pointer=pointer)
