"""The arithmetic, held against a second one that knows only fractions of integers."""

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from apps.invoices.models import Invoice, InvoiceLine
from apps.invoices.money import DECIMALS
from apps.invoices.pricing import price
from saas.errors import Problem

pytestmark = [pytest.mark.core]


def half_up(exact, places):
    """`exact` to the last of `places` decimals; a half goes away from zero."""
    scaled = abs(exact) * 10**places
    units = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Fraction(units if exact >= 0 else -units, 10**places)


def expected_totals(invoice):
    """What the invoice comes to, without a Decimal."""
    places = DECIMALS[invoice.currency]
    amounts: list[Fraction] = []
    groups: dict[tuple[str, Fraction], Fraction] = defaultdict(Fraction)
    for line in invoice.positions:
        exact = Fraction(line.quantity) * Fraction(line.unit_price)
        exact /= Fraction(1 if line.base_quantity is None else line.base_quantity)
        exact -= sum(Fraction(entry["amount"]) for entry in line.allowances)
        exact += sum(Fraction(entry["amount"]) for entry in line.charges)
        amounts.append(half_up(exact, places))
        rate = Fraction(line.tax_rate)
        groups[line.tax_category or ("S" if rate else "Z"), rate] += amounts[-1]
    for sign, entries in ((-1, invoice.allowances), (1, invoice.charges)):
        for entry in entries:
            rate = Fraction(entry["tax_rate"])
            category = entry.get("tax_category") or ("S" if rate else "Z")
            groups[category, rate] += sign * Fraction(entry["amount"])
    subtotal = sum(groups.values())
    tax = sum(half_up(net * rate / 100, places) for (_, rate), net in groups.items())
    due = subtotal + tax - Fraction(invoice.prepaid or 0) + Fraction(invoice.rounding or 0)
    return amounts, (subtotal, tax, subtotal + tax), due


def decimals(least, most, places):
    """Decimals with up to `places` decimals, and often with few, where ties are."""
    return st.integers(0, places).flatmap(
        lambda digits: st.integers(least * 10**digits, most * 10**digits).map(
            lambda units: Decimal(units).scaleb(-digits)
        )
    )


def amounts(currency):
    """Amounts that a document in `currency` may name."""
    places = DECIMALS[currency]
    return st.integers(0, 10**5).map(lambda units: str(Decimal(units).scaleb(-places)))


RATES = st.sampled_from(["0", "5.5", "7.00", "19.00", "21", "25", "8.25", "100"]).map(Decimal)


@st.composite
def invoices(draw):
    """A draft that nobody has priced yet, in currencies of 0, 2, 3 and 4 decimals."""
    currency = draw(st.sampled_from(["EUR", "JPY", "KWD", "CLF"]))
    entries = st.lists(st.fixed_dictionaries({"amount": amounts(currency)}), max_size=2)
    taxed = st.lists(
        st.fixed_dictionaries({"amount": amounts(currency), "tax_rate": RATES.map(str)}), max_size=2
    )
    invoice = Invoice(
        currency=currency,
        allowances=draw(taxed),
        charges=draw(taxed),
        prepaid=draw(st.none() | amounts(currency).map(Decimal)),
        rounding=draw(st.none() | amounts(currency).map(lambda amount: Decimal(amount) / 10**5)),
    )
    line = st.builds(
        InvoiceLine,
        invoice=st.just(invoice),
        quantity=decimals(-5, 1000, 6).filter(bool),
        unit_price=decimals(0, 1000, 6),
        base_quantity=st.none() | st.sampled_from(["0.3", "7", "8", "1000"]).map(Decimal),
        tax_rate=RATES,
        tax_category=st.sampled_from([None, None, "L"]),
        allowances=entries,
        charges=entries,
    )
    invoice.positions = draw(st.lists(line, min_size=1, max_size=6))
    return invoice


def of_one_line(currency, quantity, unit_price, rate, base=None):
    """An invoice that is easy to check by hand."""
    invoice = Invoice(currency=currency)
    invoice.positions = [
        InvoiceLine(
            invoice=invoice,
            quantity=Decimal(quantity),
            unit_price=Decimal(unit_price),
            tax_rate=Decimal(rate),
            base_quantity=base and Decimal(base),
        )
    ]
    return invoice


def trials(number):
    """So many invoices, however long it takes."""
    return settings(max_examples=number, deadline=None)


@trials(200)
@given(invoices())
@example(of_one_line("EUR", "1", "0.005", "0"))
@example(of_one_line("JPY", "1", "0.5", "10"))
@example(of_one_line("KWD", "0.001", "0.5", "5"))
@example(of_one_line("EUR", "999999999.999999", "999.999999", "19.99", "0.999999"))
@example(of_one_line("EUR", "0.000001", "0.000001", "100", "999999999999"))
@pytest.mark.practice("X-19")
def test_every_amount_is_what_fractions_say_to_the_last_unit(invoice):
    lines, expected, due = expected_totals(invoice)
    if min(*expected, due) < 0:
        with pytest.raises(Problem) as refusal:
            price(invoice)
        assert refusal.value.status == 400
        return
    price(invoice)
    assert [Fraction(line.amount) for line in invoice.positions] == lines
    assert (Fraction(invoice.subtotal), Fraction(invoice.tax_total)) == expected[:2]
    assert Fraction(invoice.total) == expected[2]
    assert Fraction(invoice.amount_due) == due


@pytest.mark.drill
@trials(5000)
@given(invoices())
def test_the_long_form_of_it(invoice):
    test_every_amount_is_what_fractions_say_to_the_last_unit.hypothesis.inner_test(invoice)


@trials(60)
@given(invoices())
def test_no_order_of_the_lines_changes_what_is_owed(invoice):
    _, expected, due = expected_totals(invoice)
    if min(*expected, due) < 0:
        return
    price(invoice)
    totals = (invoice.subtotal, invoice.tax_total, invoice.total)
    invoice.positions.reverse()
    price(invoice)
    assert (invoice.subtotal, invoice.tax_total, invoice.total) == totals


def test_a_quotient_just_below_a_half_is_not_rounded_twice():
    """It is …002.434999999999999999 exactly, which 28 digits would first make …002.435."""
    invoice = of_one_line("EUR", "123456789.012349", "917137225.974851", "0", "1000000.000001")
    price(invoice)
    assert invoice.total == Decimal("113226817002.43")
