"""What may not come in, and that it changes nothing."""

import json
from typing import Any

import pytest

from apps.invoices.models import Invoice, InvoiceLine
from apps.invoices.serializers import InvoiceInput, InvoiceLineInput
from saas.tenancy.binding import bind
from tests.apps.invoices.drafts import LINE, body, drafted, patch, pointers, post, rows_of

pytestmark = [pytest.mark.core]

ENTRY = {"amount": "1.00", "reason": "Because"}


def columns_beside(form: Any, model: Any) -> list[str]:
    """Every name that a column of `model` goes by and that `form` does not know."""
    names = {name for field in model._meta.fields for name in (field.name, field.attname)}
    return sorted(names - form().fields.keys())


NOT_OURS = sorted(
    {
        *columns_beside(InvoiceInput, Invoice),
        *("amount_due", "role", "is_admin", "org", "paid_at", "organization", "pk", "positions"),
    }
)


@pytest.mark.practice("INPUT-07")
@pytest.mark.parametrize("name", NOT_OURS)
def test_no_column_comes_in_by_its_name(acme, customer, name):
    draft = drafted(acme.owner, customer)
    before = rows_of(acme)
    for value in (None, "x", 1, acme.owner.user.pk.hex):
        made = post(acme.owner, body(customer, **{name: value}))
        changed = patch(acme.owner, draft, {name: value})
        assert pointers(made) == pointers(changed) == {f"/{name}": "unexpected-field"}
    assert rows_of(acme) == before


@pytest.mark.practice("INPUT-07")
@pytest.mark.parametrize("name", columns_beside(InvoiceLineInput, InvoiceLine))
def test_no_column_of_a_line_comes_in_by_its_name(acme, customer, name):
    draft = drafted(acme.owner, customer)
    before = rows_of(acme)
    lines = [LINE, {**LINE, name: "1"}]
    made = post(acme.owner, body(customer, lines=lines))
    changed = patch(acme.owner, draft, {"lines": lines})
    assert pointers(made) == pointers(changed) == {f"/lines/1/{name}": "unexpected-field"}
    assert rows_of(acme) == before


@pytest.mark.practice("INPUT-08")
@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"allowances": [{**ENTRY, "tax_rate": "19", "id": "1"}]}, "/allowances/0/id"),
        (
            {"lines": [{**LINE, "charges": [{**ENTRY, "tax_rate": "1"}]}]},
            "/lines/0/charges/0/tax_rate",
        ),
        ({"a/b~c": 1}, "/a~1b~0c"),
    ],
)
def test_an_unknown_field_is_pointed_at_however_deep_it_is(acme, customer, changes, pointer):
    assert pointers(post(acme.clerk, body(customer, **changes))) == {pointer: "unexpected-field"}


WRONG: dict[tuple[str | int, ...], list[Any]] = {
    ("currency",): ["eur", "EURO", "XXX", "DEM", "", None, 978, ["EUR"]],
    ("customer",): ["", "1", 1, None, "{}", "0" * 32, []],
    ("lines",): [[], {}, "", None, [1], [[]], [None], 1],
    ("due_on",): ["2026-02-30", "30.01.2026", 20260130, "0001-01-01", True],
    ("delivered_on",): ["2026-1-1", "2026-01-01T00:00:00Z", ""],
    ("note",): ["", "x" * 2001, 1, "\u202egnp.exe", "a\x07b"],
    ("buyer_reference",): ["", "x" * 201, "two\nlines", {}],
    ("internal_note",): ["", "x" * 2001, []],
    ("prepaid",): [1, 1.5, "1.005", "-1", "1e2", "1,5", "9" * 16, "", True],
    ("rounding",): [0, "0.001", "+1", ".5", "NaN", "Infinity", "\u0661"],
    ("allowances",): [None, {}, "", [{}], [ENTRY]],
    ("lines", 0, "quantity"): [
        *("0", "-0.0", "1.0000000", "9" * 13, "1e3", "\u0662", "\uff12", " 2", "", "two"),
        *(2, 2.0, True, None),
    ],
    ("lines", 0, "unit_price"): [
        *("-0.01", "0.0000001", "9" * 13, "1234567890.123456", "00", "1."),
        *(49.5, [], {}),
    ],
    ("lines", 0, "tax_rate"): ["100.01", "-1", "19.000", "1000", 19, None],
    ("lines", 0, "description"): ["", " ", "x" * 501, "a\nb", None, 1],
    ("lines", 0, "tax_category"): ["s", "X", "SS", "", None, 1],
    ("lines", 0, "exemption_reason"): ["", "x" * 201, None, 1],
    ("lines", 0, "unit"): ["", "x" * 11, None, 1],
    ("lines", 0, "base_quantity"): ["0", "-1", "1.0000001", 1, None],
    ("lines", 0, "allowances"): [{}, None, [{}], [{"amount": "1"}], [{"reason": "x"}]],
    ("lines", 0, "charges"): [[{**ENTRY, "amount": 1}], [ENTRY] * 101],
    ("lines", 0, "charges", 0): [{**ENTRY, "amount": amount} for amount in ("-1", "1.001", "")],
}


@pytest.mark.practice("INPUT-01")
@pytest.mark.parametrize(
    ("path", "value"),
    [(path, value) for path, values in WRONG.items() for value in values],
    ids=lambda part: json.dumps(part)[:40],
)
@pytest.mark.practice("INPUT-03")
def test_what_is_not_quite_what_it_says_is_refused_and_pointed_at(acme, customer, path, value):
    asked = json.loads(json.dumps(body(customer)))
    place: Any = asked
    for step in path[:-1]:
        place = place.setdefault(step, [None]) if isinstance(place, dict) else place[step]
    place[path[-1]] = value
    answer = post(acme.owner, asked)
    prefix = "".join(f"/{step}" for step in path)
    assert all(pointer.startswith(prefix) for pointer in pointers(answer))
    assert pointers(answer)
    assert rows_of(acme) == []


@pytest.mark.practice("INPUT-01")
@pytest.mark.parametrize("missing", ["customer", "currency", "lines"])
def test_a_draft_needs_its_customer_its_currency_and_lines(acme, customer, missing):
    asked = body(customer)
    del asked[missing]
    assert pointers(post(acme.clerk, asked)) == {f"/{missing}": "required"}


@pytest.mark.practice("INPUT-01")
@pytest.mark.parametrize("missing", sorted(LINE))
def test_a_line_needs_its_four_fields_in_a_change_too(acme, customer, missing):
    draft = drafted(acme.clerk, customer)
    lines = [{name: value for name, value in LINE.items() if name != missing}]
    expected = {f"/lines/0/{missing}": "required"}
    assert pointers(post(acme.clerk, body(customer, lines=lines))) == expected
    assert pointers(patch(acme.clerk, draft, {"lines": lines})) == expected


@pytest.mark.practice("INPUT-01")
def test_what_goes_to_the_edge_is_taken(acme, customer):
    edges = {"quantity": "999999999.999999", "unit_price": "0.000001", "tax_rate": "100"}
    texts = {"description": "x" * 500, "unit": "x" * 10}
    draft = drafted(acme.clerk, customer, lines=[{**LINE, **edges, **texts}], note="x" * 2000)
    [line] = draft["lines"]
    assert (line["quantity"], line["unit_price"]) == ("999999999.999999", "0.000001")
    assert line["tax_rate"] == "100.00"
    assert draft["total"] == "2000.00"
    assert acme.clerk.get(f"invoices/{draft['id']}").json() == draft


@pytest.mark.practice("INPUT-01")
def test_the_largest_amount_is_kept_to_its_last_digit(acme, customer):
    for currency, largest in (
        ("JPY", "999999999999999"),
        ("EUR", "9999999999999.99"),
        ("KWD", "999999999999.999"),
        ("CLF", "99999999999.9999"),
    ):
        free = {**LINE, "quantity": "1", "unit_price": "0", "tax_rate": "0"}
        line = {**free, "charges": [{"amount": largest, "reason": "All of it"}]}
        draft = drafted(acme.clerk, customer, currency=currency, lines=[line])
        assert draft["total"] == draft["lines"][0]["amount"] == largest
        assert acme.clerk.get(f"invoices/{draft['id']}").json() == draft


@pytest.mark.practice("INPUT-01")
@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        (
            {"lines": [LINE, {**LINE, "quantity": "9" * 12, "unit_price": "9" * 12}]},
            "/lines/1",
        ),
        (
            {
                "lines": [
                    {**LINE, "quantity": "999999999999", "unit_price": "9", "tax_rate": "0"},
                    {**LINE, "quantity": "999999999999", "unit_price": "9", "tax_rate": "0"},
                ]
            },
            "/lines",
        ),
        ({"lines": [{**LINE, "quantity": "999999999999", "unit_price": "9"}]}, "/lines"),
        ({"prepaid": "99999999999999.9"}, "/prepaid"),
        ({"rounding": "9999999999999.99"}, "/rounding"),
        (
            {"charges": [{"amount": "99999999999999.9", "reason": "x", "tax_rate": "1"}]},
            "/charges/0/amount",
        ),
        (
            {"currency": "KWD", "charges": [{**ENTRY, "amount": "9" * 13, "tax_rate": "1"}]},
            "/charges/0/amount",
        ),
        (
            {"lines": [{**LINE, "base_quantity": "0.000001", "unit_price": "999999999.999999"}]},
            "/lines/0",
        ),
    ],
)
def test_what_no_column_can_hold_is_a_400_and_never_a_500(acme, customer, changes, pointer):
    assert pointers(post(acme.clerk, body(customer, **changes))) == {pointer: "max"}
    assert rows_of(acme) == []


@pytest.mark.practice("INPUT-01")
def test_an_amount_has_no_more_decimals_than_its_currency(acme, customer):
    taxed = {"reason": "x", "tax_rate": "19"}
    changes = {
        "prepaid": "1.5",
        "rounding": "0.0",
        "allowances": [{**taxed, "amount": "1"}, {**taxed, "amount": "1.5"}],
        "lines": [LINE, {**LINE, "charges": [{**ENTRY, "amount": "0.1"}]}],
    }
    expected = dict.fromkeys(
        ["/prepaid", "/rounding", "/allowances/1/amount", "/lines/1/charges/0/amount"], "places"
    )
    made = post(acme.clerk, body(customer, currency="JPY", **changes))
    assert pointers(made) == expected
    yen = drafted(acme.clerk, customer, currency="JPY")
    assert pointers(patch(acme.clerk, yen, changes)) == expected
    assert post(acme.clerk, body(customer, **changes)).status_code == 201


@pytest.mark.practice("INPUT-01")
@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"lines": [{**LINE, "quantity": "-2"}]}, "/lines"),
        ({"allowances": [{"amount": "99.01", "reason": "x", "tax_rate": "19"}]}, "/lines"),
        ({"prepaid": "117.82"}, "/prepaid"),
        ({"prepaid": "117.81", "rounding": "-0.01"}, "/prepaid"),
    ],
)
def test_nothing_comes_to_less_than_zero(acme, customer, changes, pointer):
    assert pointers(post(acme.clerk, body(customer, **changes))) == {pointer: "min"}
    draft = drafted(acme.clerk, customer)
    assert pointers(patch(acme.clerk, draft, changes)) == {pointer: "min"}
    assert acme.clerk.get(f"invoices/{draft['id']}").json() == draft


@pytest.mark.parametrize(
    ("category", "rate", "fits"),
    [
        *((category, "0", True) for category in ("Z", "AE", "K", "G", "O", "L", "M")),
        *((category, "7", False) for category in ("Z", "AE", "K", "G", "O", "E")),
        *((category, "7", True) for category in ("S", "L", "M")),
        ("S", "0", False),
        (None, "0", True),
        (None, "19", True),
    ],
)
def test_a_tax_category_and_its_rate_must_agree(acme, customer, category, rate, fits):
    tax = {"tax_rate": rate, **({"tax_category": category} if category else {})}
    line = post(acme.clerk, body(customer, lines=[{**LINE, **tax}]))
    charge = post(acme.clerk, body(customer, charges=[{**ENTRY, **tax}]))
    assert line.status_code == charge.status_code == (201 if fits else 400)
    if not fits:
        assert pointers(line) == {"/lines/0/tax_rate": "tax-category"}
        assert pointers(charge) == {"/charges/0/tax_rate": "tax-category"}


def test_who_is_exempt_says_why(acme, customer):
    exempt = {**LINE, "tax_category": "E", "tax_rate": "0"}
    answer = post(acme.clerk, body(customer, lines=[exempt]))
    assert pointers(answer) == {"/lines/0/exemption_reason": "required"}
    drafted(acme.clerk, customer, lines=[{**exempt, "exemption_reason": "Education"}])


@pytest.mark.practice("INPUT-10")
def test_five_hundred_lines_are_taken_in_one_statement_and_one_more_is_not(acme, customer):
    draft = drafted(acme.clerk, customer, lines=[LINE] * 500)
    assert (len(draft["lines"]), draft["total"]) == (500, "58905.00")
    assert acme.clerk.get(f"invoices/{draft['id']}").json() == draft
    answer = post(acme.clerk, body(customer, lines=[LINE] * 501))
    assert pointers(answer) == {"/lines": "max-length"}
    with bind(acme.id):
        assert InvoiceLine.objects.count() == 500


def test_a_line_keeps_the_text_it_was_given(acme, customer):
    text = "<script>alert(1)</script> '; DROP TABLE invoices; -- 💶 Ärger"
    draft = drafted(acme.clerk, customer, lines=[{**LINE, "description": text}], note=text)
    assert draft["lines"][0]["description"] == draft["note"] == text
