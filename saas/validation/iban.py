"""An international bank account number, checked by its own arithmetic."""

import re
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

FORM = re.compile(r"[A-Z]{2}[0-9]{2}[0-9A-Z]{11,30}")


def is_iban(text: str) -> bool:
    """Whether the check digits fit (ISO 13616, ISO 7064 MOD 97-10)."""
    if not FORM.fullmatch(text):
        return False
    turned = text[4:] + text[:4]
    return int("".join(str(int(character, 36)) for character in turned)) % 97 == 1


@extend_schema_field({"type": "string", "pattern": r"^[A-Z]{2}[0-9]{2}[0-9A-Z]{11,30}$"})
class Iban(serializers.Field):  # type: ignore[type-arg]  # of text
    """An IBAN without spaces, in capitals."""

    default_error_messages = {"invalid": "This is no IBAN."}

    def to_internal_value(self, data: Any) -> str:
        """The number itself."""
        if not isinstance(data, str) or not is_iban(data):
            self.fail("invalid")
        return data

    def to_representation(self, value: Any) -> Any:
        """Never shown."""
        return None
