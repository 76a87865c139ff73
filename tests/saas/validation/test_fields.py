"""A field takes what it says and nothing that merely looks like it (INPUT-01)."""

import contextlib
import datetime
import uuid
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.serializers import ValidationError

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
from saas.validation.iban import Iban
from saas.validation.strict_json import Fraction

pytestmark = [pytest.mark.core, pytest.mark.practice("INPUT-01")]

UUID = "0192a000-0000-7000-8000-00000000abcd"
IBAN = "DE89370400440532013000"
NO_TEXT = [None, True, 0, 1.5, Fraction("1.0"), [], ["a"], {}, {"a": 1}, b"a"]
FIELDS: dict[str, Any] = {
    "text": Text(max_length=5),
    "lines": Text(max_length=5, multiline=True),
    "integer": Integer(min_value=1, max_value=9),
    "boolean": Boolean(),
    "choice": Choice(choices=("EUR", "USD")),
    "id": Id(),
    "day": Day(),
    "moment": Moment(),
    "decimal": DecimalText(digits=3, places=2, min_value=Decimal(0), max_value=Decimal(500)),
    "email": Email(),
    "iban": Iban(),
}
GOOD = [
    ("text", "abc", "abc"), ("text", " é ", "é"), ("text", "e\u0301", "é"),
    ("lines", "a\nb", "a\nb"),
    ("integer", 1, 1), ("integer", 9, 9), ("boolean", True, True), ("boolean", False, False),
    ("choice", "EUR", "EUR"), ("id", UUID, uuid.UUID(UUID)),
    ("day", "2026-02-28", datetime.date(2026, 2, 28)),
    ("day", "2024-02-29", datetime.date(2024, 2, 29)),
    ("moment", "2026-01-01T00:00:00Z", datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)),
    ("moment", "2026-01-01T02:00:00.5+02:00",
     datetime.datetime(2026, 1, 1, 0, 0, 0, 500_000, tzinfo=datetime.UTC)),
    ("decimal", "0", Decimal(0)), ("decimal", "0.10", Decimal("0.10")),
    ("decimal", "500", Decimal(500)), ("email", " a+b@C.de ", "a+b@c.de"), ("iban", IBAN, IBAN),
]  # fmt: skip
BAD: dict[str, list[Any]] = {
    "text": [*NO_TEXT, "", "   ", "abcdef", "a\nb", "a\tb", "a\0b", "a\u202eb", "\x1f"],
    "lines": [*NO_TEXT, "", "\n\n", "abcdef", "a\0b", "a\u202eb", "a\x0bb"],
    "integer": [None, True, False, 0, 10, -1, "1", "", 1.0, 1.5, Fraction("1.0"), Fraction("1e0"),
                10**400, "\uff11", [1], {}],
    "boolean": [None, 0, 1, "true", "True", "yes", "", "1", [], {}, Fraction("1.0")],
    "choice": [*NO_TEXT, "", "eur", "Eur", " EUR", "EUR ", "EURO", "\uff25\uff35\uff32", "EUR\n"],
    "id": [*NO_TEXT, "", "1", UUID.upper(), UUID.replace("-", ""), f"{{{UUID}}}",
           f"urn:uuid:{UUID}", UUID + "\n", " " + UUID, UUID[:-1], UUID + "0",
           UUID.replace("-", "", 1), UUID.replace("0", "\uff10")],
    "day": [*NO_TEXT, "", "2026-02-29", "2026-2-3", "26-02-03", "2026/02/03", "20260203",
            "2026-13-01", "2026-00-01", "1899-12-31", "2200-01-01", "2026-02-03T00:00:00", "\uff12026-02-03",
            "2026-02-03\n", "0000-01-01", "today"],
    "moment": [*NO_TEXT, "", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01 00:00:00Z",
               "2026-01-01T00:00Z", "2026-01-01T25:00:00Z", "2026-01-01T00:00:00+25:00",
               "2026-02-30T00:00:00Z", "2026-01-01T00:00:00.1234567Z", "2026-01-01t00:00:00z",
               "1899-12-31T00:00:00Z", "2200-01-01T00:00:00Z", "2026-W01-1T00:00:00Z",
               "2026-01-01T00:00:00Z\n", "2026-01-01T00:00:00+2:00", "1767225600"],
    "decimal": [*NO_TEXT, "", "1e2", "1E2", "NaN", "Infinity", "-Infinity", "sNaN", "+1", "01",
                ".5", "1.", "1,5", " 1", "1 ", "1\n", "\u0661", "\uff11", "1_0", "0x1", "-0",
                "-0.00", "-0.01", "1000", "1.001", "500.01", "0" * 400, "9" * 400, "0." + "0" * 400, "--1"],
    "email": [*NO_TEXT, "", "a", "a@b", "a@b.de\nBcc: c@d.de", "a@b.de,c@d.de"],
    "iban": [*NO_TEXT, "", IBAN[:-1] + "1", IBAN.lower(), IBAN[:4] + " " + IBAN[4:], IBAN[:-1],
             "DE", "0" * 20, IBAN + "\n", IBAN.replace("8", "\uff18")],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "sent", "expected"), GOOD)
def test_what_a_field_says_is_taken(kind, sent, expected):
    value = FIELDS[kind].run_validation(sent)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.practice("INPUT-09")
@pytest.mark.parametrize(
    ("kind", "sent"), [(kind, sent) for kind, values in BAD.items() for sent in values], ids=repr
)
def test_what_merely_looks_like_it_is_refused(kind, sent):
    with pytest.raises(ValidationError) as caught:
        FIELDS[kind].run_validation(sent)
    assert caught.value.detail


@given(
    number=st.decimals(
        allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9
    )
)
def test_a_decimal_is_kept_exactly_and_never_rounded(number):
    field, sent = DecimalText(digits=10, places=4), format(number, "f")
    if not sent.startswith("-0.0000"):
        assert field.run_validation(sent) == number
        assert field.to_representation(field.run_validation(sent)) == sent


@given(
    value=st.one_of(
        st.text(), st.integers(), st.floats(), st.booleans(), st.none(), st.lists(st.integers())
    )
)
@pytest.mark.parametrize("kind", FIELDS)
def test_no_value_makes_a_field_fail_with_anything_but_a_refusal(kind, value):
    with contextlib.suppress(ValidationError):
        FIELDS[kind].run_validation(value)


def test_a_long_text_is_refused_before_it_is_worked_on():
    with pytest.raises(ValidationError) as caught:
        FIELDS["text"].run_validation("\u0390" * 1_000_000)
    assert "max_length" in str(caught.value.detail)


def test_composing_a_text_does_not_carry_it_over_its_length():
    """NFC makes some characters longer: U+0958 becomes two."""
    with pytest.raises(ValidationError):
        FIELDS["text"].run_validation("\u0958" * 5)


def test_more_digits_than_every_database_keeps_are_refused():
    field = DecimalText(digits=12, places=6)
    assert field.run_validation("123456789.123456") == Decimal("123456789.123456")
    with pytest.raises(ValidationError):
        field.run_validation("1234567890.123456")
