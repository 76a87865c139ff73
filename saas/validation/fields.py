"""Field types that take what they say and nothing that merely looks like it."""

import datetime
import re
import uuid
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from saas.validation import text

UUID_FORM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
DATE_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MOMENT_FORM = re.compile(
    DATE_FORM.pattern
    + r"T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-2][0-9]:[0-5][0-9])"
)
EARLIEST = datetime.date(1900, 1, 1)
LATEST = datetime.date(2199, 12, 31)
MAX_DIGITS = 15


class Text(serializers.CharField):
    """A string: in NFC, trimmed, without control and bidi characters. `multiline` allows line ends
    and tabs.
    """

    default_error_messages = {
        "invalid": "This must be a string.",
        "characters": "This holds control or direction-changing characters.",
    }

    def __init__(self, *, max_length: int, multiline: bool = False, **options: Any) -> None:
        self.multiline = multiline
        super().__init__(max_length=max_length, trim_whitespace=False, **options)

    def to_internal_value(self, data: Any) -> str:
        """The cleaned text; numbers and booleans are no text."""
        if not isinstance(data, str):
            self.fail("invalid")
        if self.max_length is not None and len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        cleaned = text.clean(data, multiline=self.multiline)
        if cleaned is None:
            self.fail("characters")
        if not cleaned and not self.allow_blank:
            self.fail("blank")
        return cleaned


class Integer(serializers.IntegerField):
    """A JSON integer: "1", 1.0 and true are none."""

    def to_internal_value(self, data: Any) -> int:
        """The integer itself."""
        if type(data) is not int:
            self.fail("invalid")
        return data


class Boolean(serializers.BooleanField):
    """A JSON boolean: 0, "yes" and null are none."""

    def to_internal_value(self, data: Any) -> bool:
        """The boolean itself."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Choice(serializers.ChoiceField):
    """One string of a closed list, in its exact case."""

    def to_internal_value(self, data: Any) -> Any:
        """The string itself."""
        if not isinstance(data, str):
            self.fail("invalid_choice", input=type(data).__name__)
        return super().to_internal_value(data)


class Id(serializers.UUIDField):
    """A UUID in its canonical text; braces, upper case and integers are refused."""

    def to_internal_value(self, data: Any) -> uuid.UUID:
        """The UUID, not yet looked up in any table."""
        if not isinstance(data, str) or not UUID_FORM.fullmatch(data):
            self.fail("invalid", value="This")
        return uuid.UUID(data)


class Day(serializers.DateField):
    """A calendar day between 1900 and 2199, as YYYY-MM-DD and nothing else."""

    default_error_messages = {"range": "This must lie between 1900-01-01 and 2199-12-31."}

    def to_internal_value(self, value: Any) -> datetime.date:
        """The day."""
        if not isinstance(value, str) or not DATE_FORM.fullmatch(value):
            self.fail("invalid", format="YYYY-MM-DD")
        day = super().to_internal_value(value)
        if not EARLIEST <= day <= LATEST:
            self.fail("range")
        return day


class Moment(serializers.DateTimeField):
    """An instant as RFC 3339 writes it, with its offset from UTC: without one nobody knows when it
    is. Comes back in UTC.
    """

    default_error_messages = {
        "invalid": "This must be an instant of RFC 3339 with an offset, such as "
        '"2030-01-31T12:00:00Z".',
        "range": "This must lie between 1900-01-01 and 2199-12-31.",
    }

    def to_internal_value(self, value: Any) -> datetime.datetime:
        """The instant in UTC."""
        if not isinstance(value, str) or not MOMENT_FORM.fullmatch(value):
            self.fail("invalid")
        try:
            moment = datetime.datetime.fromisoformat(value)
        except ValueError:
            self.fail("invalid")
        if not EARLIEST <= moment.date() <= LATEST:
            self.fail("range")
        return moment.astimezone(datetime.UTC)


class DecimalText(serializers.Field):  # type: ignore[type-arg]  # four types that say nothing
    """An exact decimal as a JSON string, such as "49.50"; a JSON number may have been a float and
    is refused.

    `places` and `digits` bound what is kept; nothing is ever rounded on the way in; `zero` says
    whether nothing is something. Fifteen digits in all are what every database keeps exactly:
    SQLite holds a decimal as a double.
    """

    default_error_messages = {
        "invalid": 'This must be a decimal number in a string, such as "49.50".',
        "digits": "This has more than {digits} digits before the point.",
        "places": "This has more than {places} digits after the point.",
        "precision": "This has more than 15 digits in all.",
        "min": "This must be at least {min}.",
        "max": "This must be at most {max}.",
        "zero": "This may not be zero.",
    }
    FORM = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,12})?")

    def __init__(
        self,
        *,
        digits: int = 12,
        places: int = 4,
        min_value: Decimal | None = None,
        max_value: Decimal | None = None,
        zero: bool = True,
        **options: Any,
    ) -> None:
        self.digits, self.places = digits, places
        self.min_value, self.max_value, self.zero = min_value, max_value, zero
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> Decimal:
        """The number, exactly as written."""
        if not isinstance(data, str) or not self.FORM.fullmatch(data):
            self.fail("invalid")
        whole, _, fraction = data.lstrip("-").partition(".")
        if len(whole) > self.digits:
            self.fail("digits", digits=self.digits)
        if len(fraction) > self.places:
            self.fail("places", places=self.places)
        if len(whole + fraction) > MAX_DIGITS:
            self.fail("precision")
        number = Decimal(data)
        if self.min_value is not None and number < self.min_value:
            self.fail("min", min=self.min_value)
        if self.min_value == 0 and number.is_signed():  # "-0" means nothing
            self.fail("min", min=self.min_value)
        if self.max_value is not None and number > self.max_value:
            self.fail("max", max=self.max_value)
        if number == 0 and not self.zero:
            self.fail("zero")
        return number

    def to_representation(self, value: Any) -> str:
        """The number as a string, never as a float."""
        return format(value, "f")


@extend_schema_field(
    {
        "type": "string",
        "format": "idn-email",
        "maxLength": text.MAX_EMAIL,
        "pattern": text.EMAIL_PATTERN,
    }
)
class Email(serializers.Field):  # type: ignore[type-arg]  # as above
    """An e-mail address, checked in linear time; the domain comes back in ASCII (IDNA)."""

    default_error_messages = {"invalid": "This is no e-mail address."}

    def to_internal_value(self, data: Any) -> str:
        """The normalised address."""
        address = text.email(data.strip()) if isinstance(data, str) else None
        if address is None:
            self.fail("invalid")
        return address

    def to_representation(self, value: str) -> str:
        """The address as it is kept."""
        return value
