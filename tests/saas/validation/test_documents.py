"""What the documents say of a field is what the field takes: no more, and no less."""

import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from rest_framework import serializers

from saas.validation import documents
from saas.validation.fields import (
    Boolean,
    Choice,
    Day,
    DecimalText,
    Email,
    Id,
    Integer,
    Moment,
    Text,
)
from saas.validation.inputs import Input
from tests.conformance.document import CHECKER

pytestmark = [pytest.mark.core, pytest.mark.practice("VERS-04")]

FIELDS: dict[str, Any] = {
    "line": Text(max_length=8),
    "lines": Text(max_length=8, multiline=True),
    "blank": Text(max_length=8, allow_blank=True),
    "perhaps": Text(max_length=8, allow_null=True),
    "id": Id(),
    "day": Day(),
    "moment": Moment(),
    "choice": Choice(choices=["DE", "FR"]),
    "number": DecimalText(digits=12, places=6),
    "amount": DecimalText(digits=3, places=2, min_value=Decimal(0)),
    "price": DecimalText(digits=3, places=2, min_value=Decimal("0.01")),
    "something": DecimalText(digits=12, places=6, zero=False),
    "paid": DecimalText(digits=3, places=2, min_value=Decimal(0), zero=False),
    "rate": DecimalText(digits=3, places=2, min_value=Decimal(0), max_value=Decimal(100)),
}
TEXTS = [
    "",
    " ",
    "a",
    " a ",
    "a\nb",
    "a\tb",
    "\n",
    "\u00a0",
    "\u2028",
    "\ufeff",
    "a\u202eb",
    "\x00",
]
TEXTS += ["123456789", "12345678", "a\n", "\u3000x", "e\u0301", "\x85", "\x1c"]
FORMS = ["0192A000-0000-7000-8000-000000000000", "0192a000-0000-7000-8000-000000000000\n"]
FORMS += ["1899-12-31", "1900-01-01", "2199-12-31", "2200-01-01", "2026-02-29", "2024-02-29"]
FORMS += ["2026-1-1", "2026-00-01", "2026-01-01T00:00:00Z", "2026-01-01T24:00:00Z"]
FORMS += ["2026-01-01T00:00:00", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00+24:00"]
FORMS += ["2026-01-01T00:00:00.1234567Z", "2026-01-01t00:00:00z", "2026-01-01T00:00:00+23:59"]
FORMS += ["0", "-0", "0.0", "00", "01", "1.", ".1", "1e3", "+1", "100", "100.0", "100.01", "99.99"]
FORMS += [
    "123456789012.123",
    "123456789012.1234",
    "123456789.123456",
    "1234567890.123456",
    "1.1234567",
]
FORMS += [
    "-5",
    "-0.0",
    "0.00",
    "-0.01",
    "0.01",
    "0.001",
    "999.99",
    "1000",
    "DE",
    "de",
    "DE ",
    "\uff11",
]
every_field = pytest.mark.parametrize("name", FIELDS)


def says(field: Any, value: Any) -> bool:
    """Whether the document of `field` lets `value` through."""
    schema = documents.describe(field, lambda form: {})
    if "pattern" in schema:  # ECMA's $ is the end; Python's is also before a last line end
        schema["pattern"] = re.sub(r"\$$", r"\\Z", schema["pattern"]).replace("$)", r"\Z)")
    return Draft202012Validator(schema, format_checker=CHECKER).is_valid(value)


def takes(field: Any, value: Any) -> bool:
    """Whether `field` lets `value` through."""
    try:
        field.run_validation(value)
    except serializers.ValidationError:
        return False
    return True


@every_field
@pytest.mark.parametrize("value", [*TEXTS, *FORMS, None, 1, True, 1.5, [], {}])
def test_document_and_field_agree_on_what_is_known_to_be_awkward(name, value):
    field = FIELDS[name]
    assert says(field, value) == takes(field, value)


@every_field
@given(data=st.data())
def test_document_and_field_agree_on_anything(name, data):
    field = FIELDS[name]
    schema = documents.describe(field, lambda form: {})
    near = st.from_regex(schema["pattern"]) if "pattern" in schema else st.just("DE")
    value = data.draw(near | st.text(max_size=10))
    assert says(field, value) == takes(field, value)


@given(st.emails())
@example("a@b.example")
def test_an_address_that_a_document_allows_is_one(address):
    field = Email()
    local, *_ = address.partition("@")
    assert takes(field, address) == (says(field, address) and ".." not in f".{local}.")


def test_numbers_and_booleans_are_what_json_calls_so():
    number = Integer(min_value=1, max_value=24)
    for value in (0, 1, 24, 25, "1", True, None):
        assert says(number, value) == takes(number, value)
    for value in (True, False, 0, 1, "true", None):
        assert says(Boolean(), value) == takes(Boolean(), value)


class Inner(Input):
    """Inside."""

    city = Text(max_length=5, help_text="Where it is.")


class Outer(Input):
    """Outside."""

    examples = {"note": "Thank you."}

    note = Text(max_length=9, default="-")
    inner = Inner(required=False, allow_null=True)
    many: Any = Inner(many=True, allow_empty=False, max_length=3)  # type: ignore[call-arg]  # of a list
    names = serializers.ListField(child=Choice(choices=["a"]), min_length=2, max_length=4)


def test_a_form_becomes_a_closed_object():
    nested = {"$ref": "#/components/schemas/Inner"}
    shape = documents.shape(Outer(), lambda form: dict(nested), {"note": "notes:read"})
    assert shape["additionalProperties"] is False
    assert shape["required"] == ["many", "names"]
    assert shape["properties"]["note"]["x-permission"] == "notes:read"
    assert shape["properties"]["note"]["default"] == "-"
    assert shape["properties"]["inner"] == {"oneOf": [nested, {"type": "null"}]}
    many = {"type": "array", "items": nested, "minItems": 1, "maxItems": 3}
    assert shape["properties"]["many"] == many
    names = shape["properties"]["names"]
    assert (names["minItems"], names["maxItems"]) == (2, 4)
    assert shape["description"] == "Outside."


def test_a_form_is_filled_in_by_its_examples_and_by_its_types():
    filled = documents.sample(Outer())
    city = {"city": "City"}
    assert filled == {"note": "Thank you.", "inner": city, "many": [city], "names": ["a"]}


def test_a_type_that_nobody_described_is_an_error_and_not_a_guess():
    with pytest.raises(TypeError, match="nobody has described"):
        documents.describe(serializers.FileField(), lambda form: {})
