"""How the numbers of an invoice are written on the way out: as strings, exact, never as floats."""

from decimal import Decimal
from typing import Any

from apps.invoices.money import DECIMALS, DIGITS, plain, written
from saas.validation.fields import DecimalText


class Number(DecimalText):
    """A decimal without trailing zeros beyond `zeros`."""

    def __init__(self, *, zeros: int = 0, **options: Any) -> None:
        self.zeros = zeros
        super().__init__(**{"digits": 12, "places": 6, **options})

    def to_representation(self, value: Decimal) -> str:
        """The number as a string, never as a float."""
        return plain(value, self.zeros)


class Money(DecimalText):
    """An amount with exactly the decimals of its row's currency."""

    beside = "currency"  # of the row: what `written` needs as well

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"digits": DIGITS, "places": 4, **options})

    written = staticmethod(written)  # no more and no fewer decimals than the currency has


class UnitPrice(Money):
    """A price, which may be finer than the currency, without zeros beyond the currency's own."""

    def written(self, amount: Decimal, currency: str) -> str:
        """At least as many decimals as the currency has."""
        return plain(amount, DECIMALS[currency])
