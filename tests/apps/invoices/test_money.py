"""Amounts are exact, and their currency says how they are written."""

from decimal import Decimal

import pytest

from apps.invoices.money import CURRENCIES, DECIMALS, is_storable, plain, rounded, written

pytestmark = [pytest.mark.core]


@pytest.mark.parametrize(
    ("currency", "decimals"),
    [("JPY", 0), ("CLP", 0), ("EUR", 2), ("USD", 2), ("KWD", 3), ("TND", 3), ("CLF", 4)],
)
def test_each_currency_has_its_own_number_of_decimals(currency, decimals):
    assert DECIMALS[currency] == decimals


def test_the_currencies_are_those_of_the_standard():
    assert len(CURRENCIES) == 165
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in CURRENCIES)
    gone_or_no_money = {"DEM", "HRK", "SLL", "ZWL", "ANG", "BGN", "XAU", "XTS", "XXX"}
    assert not gone_or_no_money & set(CURRENCIES)


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("0.005", "EUR", "0.01"),
        ("0.0049999999999999999999999999", "EUR", "0.00"),
        ("2.675", "EUR", "2.68"),
        ("-2.675", "EUR", "-2.68"),
        ("0.5", "JPY", "1"),
        ("1.0005", "KWD", "1.001"),
        ("-0.004", "EUR", "0.00"),
        ("7", "CLF", "7.0000"),
        ("1E+3", "JPY", "1000"),
    ],
)
def test_a_half_goes_up_and_an_amount_has_exactly_the_decimals_of_its_currency(
    amount, currency, expected
):
    assert written(Decimal(amount), currency) == expected
    assert str(rounded(Decimal(amount), currency)) == expected


@pytest.mark.parametrize(
    ("number", "places", "expected"),
    [
        ("2.000000", 0, "2"),
        ("1.500000", 0, "1.5"),
        ("100", 0, "100"),
        ("0.123400", 2, "0.1234"),
        ("49.5", 2, "49.50"),
        ("49.500000", 2, "49.50"),
        ("0", 3, "0.000"),
        ("-0.0", 0, "0"),
        ("1E+2", 0, "100"),
    ],
)
def test_a_number_has_no_trailing_zeros_beyond_those_asked_for(number, places, expected):
    assert plain(Decimal(number), places) == expected


def test_an_amount_that_a_database_would_round_is_too_large():
    for currency, largest in (("JPY", "999999999999999"), ("EUR", "9999999999999.99")):
        assert is_storable(Decimal(largest), currency)
        assert is_storable(-Decimal(largest), currency)
        assert not is_storable(Decimal(largest) + 1, currency)
