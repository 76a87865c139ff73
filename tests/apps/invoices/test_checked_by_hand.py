"""Invoices whose totals were known before there was a program, entered over the API."""

import pytest

from tests.apps.invoices.drafts import drafted

pytestmark = [pytest.mark.core, pytest.mark.practice("X-19")]


def line(quantity, unit_price, tax_rate, **more):
    """One line with a net amount that the case knows."""
    return {
        "description": "One of them",
        "quantity": quantity,
        "unit_price": unit_price,
        "tax_rate": tax_rate,
        **more,
    }


GROCERIES = {
    "currency": "EUR",
    "lines": [
        line("2", "9.95", "6"),
        line("1", "9.85", "6"),
        line("1", "8.29", "6"),
        line("2", "7.23", "6"),
        line("1", "35.00", "6"),
        line("1", "35.00", "6"),
        line("1", "10.65", "6"),
        line("1", "1.55", "6"),
        line("3", "4.79", "6"),
        line("1", "8.29", "6"),
        line("2", "8.29", "6"),
        line("1", "9.95", "6"),
        line("2", "1.65", "6"),
        line("1", "10.80", "21"),
        line("1", "3.90", "6"),
        line("2", "3.80", "21"),
        line("2", "4.67", "21"),
        line("1", "18.63", "21"),
        line("6", "17.02", "6"),
        line("-6", "18.33", "6"),
    ],
}
GROCERIES_AMOUNTS = """
    19.90 9.85 8.29 14.46 35.00 35.00 10.65 1.55 14.37 8.29 16.58 9.95 3.30 10.80 3.90 7.60 9.34
    18.63 102.12 -109.98
"""
COMPUTERS = {
    "currency": "NOK",
    "lines": [
        line(
            "1",
            "1273.00",
            "25",
            allowances=[{"amount": "12.00", "reason": "Damage"}],
            charges=[{"amount": "12.00", "reason": "Testing"}],
        ),
        line("-1", "3.96", "15"),
        line("2", "2.48", "15"),
        line("-1", "25.00", "0", tax_category="E", exemption_reason="New means of transport"),
        line("250", "0.75", "25", unit="MTR", base_quantity="1"),
    ],
    "allowances": [{"amount": "100.00", "reason": "Promotion", "tax_rate": "25"}],
    "charges": [{"amount": "100.00", "reason": "Freight", "tax_rate": "25"}],
    "prepaid": "1000.00",
}
SUBSCRIPTIONS = {
    "currency": "DKK",
    "lines": [line("1", "800.00", "25"), line("1", "800.00", "10")],
    "charges": [{"amount": "100.00", "reason": "Freight", "tax_rate": "25", "tax_category": "S"}],
}
PAPER = {
    "currency": "DKK",
    "lines": [
        line("1000", "1.00", "25"),
        line("100", "5.00", "25"),
        line("500", "5.00", "12"),
    ],
}
EXEMPT = {
    "currency": "EUR",
    "lines": [
        line("1.00", "100.11", "0.00", tax_category="E", exemption_reason="No tax applies here")
    ],
}
YEN = {
    "currency": "JPY",
    "lines": [line("3", "33.3", "10"), line("1", "105", "10"), line("7", "15", "8")],
    "charges": [{"amount": "50", "reason": "Post", "tax_rate": "8"}],
    "rounding": "-1",
}
DINARS = {
    "currency": "KWD",
    "lines": [line("0.333", "1.001", "5"), line("5", "0.0005", "5", base_quantity="2")],
    "prepaid": "0.001",
}
CASES = {
    "groceries, and some returned": (
        GROCERIES,
        GROCERIES_AMOUNTS,
        ("229.60", "20.73", "250.33", "250.33"),
    ),
    "every kind of allowance and charge": (
        COMPUTERS,
        "1273.00 -3.96 4.96 -25.00 187.50",
        ("1436.50", "365.28", "1801.78", "801.78"),
    ),
    "a charge on the document is taxed": (
        SUBSCRIPTIONS,
        "800.00 800.00",
        ("1700.00", "305.00", "2005.00", "2005.00"),
    ),
    "two rates": (PAPER, "1000.00 500.00 2500.00", ("4000.00", "675.00", "4675.00", "4675.00")),
    "exempt": (EXEMPT, "100.11", ("100.11", "0.00", "100.11", "100.11")),
    # 99.9 -> 100; 10 % of 205 is 20.5 -> 21; 8 % of 155 is 12.4 -> 12
    "a currency without decimals": (YEN, "100 105 105", ("360", "33", "393", "392")),
    # 0.333333 -> 0.333; 0.00125 -> 0.001; 5 % of 0.334 is 0.0167 -> 0.017
    "a currency with three": (DINARS, "0.333 0.001", ("0.334", "0.017", "0.351", "0.350")),
}


@pytest.mark.parametrize("name", CASES)
def test_an_invoice_comes_to_what_was_computed_by_hand(acme, customer, name):
    asked, amounts, expected = CASES[name]
    made = drafted(acme.accountant, customer, **asked)
    assert [line["amount"] for line in made["lines"]] == amounts.split()
    assert (made["subtotal"], made["tax_total"], made["total"], made["amount_due"]) == expected
    assert acme.viewer.get(f"invoices/{made['id']}").json()["total"] == expected[2]


def test_splitting_a_line_does_not_change_the_tax(acme, customer):
    whole = drafted(acme.clerk, customer, lines=[line("100", "0.07", "19")])
    split = drafted(acme.clerk, customer, lines=[line("1", "0.07", "19")] * 100)
    assert whole["tax_total"] == split["tax_total"] == "1.33"
    assert whole["total"] == split["total"]
