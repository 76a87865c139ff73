"""What an invoice comes to, as EN 16931 computes it: exact but for one rounding of each amount."""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from apps.invoices.money import EXACT, rounded

HUNDRED = Decimal(100)
ONE = Decimal(1)


class Share(NamedTuple):
    """A net amount under one tax category and rate; what lowers the invoice is negative."""

    category: str
    rate: Decimal
    amount: Decimal


class Totals(NamedTuple):
    """Without tax (BT-109), the tax (BT-110), with tax (BT-112)."""

    subtotal: Decimal
    tax_total: Decimal
    total: Decimal


def line_amount(
    quantity: Decimal,
    unit_price: Decimal,
    base_quantity: Decimal | None,
    adjustment: Decimal,
    currency: str,
) -> Decimal:
    """The net amount of a line (BT-131): quantity times price for each base quantity, with the
    line's charges less its allowances as `adjustment`, rounded once.
    """
    price = EXACT.divide(EXACT.multiply(quantity, unit_price), base_quantity or ONE)
    return rounded(EXACT.add(price, adjustment), currency)


def totals(shares: Iterable[Share], currency: str) -> Totals:
    """The totals of a document. Tax is rounded once for each category and rate, on the sum of its
    net amounts (BR-CO-17), so that no splitting of lines changes what is owed.
    """
    groups: dict[tuple[str, Decimal], Decimal] = {}
    for category, rate, amount in shares:
        groups[category, rate] = groups.get((category, rate), Decimal(0)) + amount
    subtotal = rounded(sum(groups.values(), Decimal(0)), currency)
    taxes = (rounded(tax(amount, rate), currency) for (_, rate), amount in groups.items())
    tax_total = rounded(sum(taxes, Decimal(0)), currency)
    return Totals(subtotal, tax_total, subtotal + tax_total)


def tax(amount: Decimal, rate: Decimal) -> Decimal:
    """`rate` percent of `amount`, exactly."""
    return EXACT.divide(EXACT.multiply(amount, rate), HUNDRED)
