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
EARLIEST = datetime.date(1900, 1, 1)
LATEST = datetime.date(2199, 12, 31)


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
        super().__init__(max_length=max_length, trim_whitespace=True, **options)

    def to_internal_value(self, data: Any) -> str:
        """The cleaned text; numbers and booleans are no text."""
        if not isinstance(data, str):
            self.fail("invalid")
        cleaned = text.clean(data, multiline=self.multiline)
        if cleaned is None:
            self.fail("characters")
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


class DecimalText(serializers.Field):  # type: ignore[type-arg]  # four types that say nothing
    """An exact decimal as a JSON string, such as "49.50"; a JSON number may have been a float and
    is refused.

    `places` and `digits` bound what is kept; nothing is ever rounded on the way in.
    """

    default_error_messages = {
        "invalid": 'This must be a decimal number in a string, such as "49.50".',
        "digits": "This has more than {digits} digits before the point.",
        "places": "This has more than {places} digits after the point.",
        "min": "This must be at least {min}.",
        "max": "This must be at most {max}.",
    }
    FORM = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,12})?")

    def __init__(
        self,
        *,
        digits: int = 12,
        places: int = 4,
        min_value: Decimal | None = None,
        max_value: Decimal | None = None,
        **options: Any,
    ) -> None:
        self.digits, self.places = digits, places
        self.min_value, self.max_value = min_value, max_value
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
        number = Decimal(data)
        if self.min_value is not None and number < self.min_value:
            self.fail("min", min=self.min_value)
        if self.max_value is not None and number > self.max_value:
            self.fail("max", max=self.max_value)
        return number

    def to_representation(self, value: Any) -> str:
        """The number as a string, never as a float."""
        return format(value, "f")

    @property
    def pattern(self) -> str:
        """The form as an ECMA regular expression, for the documents."""
        sign = "-?" if self.min_value is None or self.min_value < 0 else ""
        return rf"^{sign}(0|[1-9][0-9]{{0,{self.digits - 1}}})(\.[0-9]{{1,{self.places}}})?$"


@extend_schema_field({"type": "string", "format": "email", "maxLength": text.MAX_EMAIL})
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
