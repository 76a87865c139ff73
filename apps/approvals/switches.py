"""What an organization decides about who decides."""

import re
from typing import Any

from rest_framework.serializers import ValidationError

from apps.approvals import access
from apps.invoices.money import DECIMALS
from saas.authentication.demands import Switch, on_or_off

TWO_PERSONS = on_or_off(
    access.TWO_PERSONS,
    "Who becomes an admin or owner, and a key with a scope over people, keys and security, waits "
    "for a second person. To turn it off waits too.",
)
AMOUNT = r"^(0|[1-9][0-9]{0,9})(\.[0-9]{1,4})?$"


def judge_limits(data: Any) -> Any:
    """An amount for each currency, or null."""
    if data is None:
        return None
    if not isinstance(data, dict) or len(data) > len(DECIMALS):
        raise ValidationError("Must be an object of currencies and amounts, or null.", "invalid")
    for currency, amount in data.items():
        if currency not in DECIMALS:
            raise ValidationError("This is no currency of ISO 4217.", "invalid")
        if not isinstance(amount, str) or not re.fullmatch(AMOUNT.strip("^$"), amount):
            raise ValidationError("An amount is written as a decimal string.", "invalid")
        if len(amount.partition(".")[2]) > DECIMALS[currency]:
            raise ValidationError("This is finer than the currency.", "invalid")
    return data


INVOICES_OVER = Switch(
    access.INVOICES_OVER,
    None,
    {
        "type": "object",
        "description": "Invoices over the amount of their currency are issued when a second person "
        "agrees; with a currency that is not named, all of them. null: nobody has to. To loosen it "
        "waits for a second person too.",
        "propertyNames": {"pattern": "^[A-Z]{3}$"},
        "additionalProperties": {"type": "string", "pattern": AMOUNT},
        "examples": [{"EUR": "10000.00"}],
    },
    judge_limits,
)
