"""The tax categories of EN 16931 (UNCL5305), and which rates each of them has."""

from decimal import Decimal

TAXED = ("S",)  # the standard rate, and the reduced ones
UNTAXED = ("Z", "E", "AE", "K", "G", "O")  # zero, exempt, reverse charge, intra-EU, export, out
EITHER = ("L", "M")  # Canary Islands, Ceuta and Melilla
CATEGORIES = (*TAXED, *UNTAXED, *EITHER)


def category_of(given: str | None, rate: Decimal) -> str:
    """The category that was given, or the one that the rate suggests: standard or zero."""
    return given or ("S" if rate else "Z")


def rate_fits(given: str | None, rate: Decimal) -> bool:
    """Whether a category may have this rate (BR-S-05, BR-Z-05, BR-E-05 and their like)."""
    category = category_of(given, rate)
    return category in EITHER or (rate > 0) == (category in TAXED)
