"""Of a body only what is known to be harmless may be read: a value whose kind leaves no room for
words, in a field that is declared and that everybody may see.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from django.apps import apps
from rest_framework import serializers

from saas.authorization.fields import FieldAccess
from saas.persistence.encryption import EncryptedText
from saas.validation.fields import DecimalText

HARMLESS = (
    serializers.BooleanField,
    serializers.ChoiceField,
    serializers.DateField,
    serializers.DateTimeField,
    serializers.DecimalField,
    serializers.IntegerField,
    serializers.UUIDField,
    DecimalText,
)
KINDS = {str: "text", bool: "boolean", list: "list", dict: "object"}
TELLING = re.compile("secret|token|password|digest|signature|otp|code$|key$|note$|name$")
MOST_ITEMS = 20


@cache
def sealed_columns() -> frozenset[str]:
    """The names of all columns that are encrypted, whosever they are."""
    fields = (field for model in apps.get_models() for field in model._meta.get_fields())
    return frozenset(field.name for field in fields if isinstance(field, EncryptedText))


def kept_back(access: FieldAccess, once: tuple[str, ...] = ()) -> frozenset[str]:
    """The names that are redacted whatever their kind."""
    return frozenset({*access.guarded, *access.personal, *once}) | sealed_columns()


def redacted(value: Any) -> Any:
    """What may be said of any value: its kind and its length."""
    if value is None:
        return None
    kind = KINDS.get(type(value), "number")
    return f"[{kind} {len(value)}]" if isinstance(value, (str, list, dict)) else f"[{kind}]"


def shown(form: Any, body: Any, hidden: frozenset[str], *, ours: bool) -> Any:
    """`body` as `form` declares it. Names that nobody declared are the caller's own words, unless
    the body is `ours`: they are counted.
    """
    if isinstance(form, serializers.ListSerializer | serializers.ListField):
        if not isinstance(body, list):
            return redacted(body)
        most = [shown(form.child, item, hidden, ours=ours) for item in body[:MOST_ITEMS]]
        return [*most, f"[{len(body) - MOST_ITEMS} more]"] if len(body) > MOST_ITEMS else most
    if isinstance(form, serializers.BaseSerializer):
        return fields_shown(form, body, hidden, ours=ours)
    return body if is_harmless(form, body) else redacted(body)


def fields_shown(form: Any, body: Any, hidden: frozenset[str], *, ours: bool) -> Any:
    """The fields of an object."""
    if not isinstance(body, dict):
        return redacted(body)
    seen: dict[str, Any] = {}
    for name, value in body.items():
        field = form.fields.get(name)
        if field is not None and name not in hidden and not TELLING.search(name):
            seen[name] = shown(field, value, hidden, ours=ours)
        elif field is not None or ours:
            seen[name] = redacted(value)
        else:
            seen["[unknown]"] = seen.get("[unknown]", 0) + 1
    return seen


def is_harmless(field: Any, value: Any) -> bool:
    """Whether the value is of the kind that is declared, and that kind holds no words. What is
    refused may hold anything, in any field.
    """
    if not isinstance(field, HARMLESS) or isinstance(value, (list, dict)):
        return False
    if value is None:
        return True
    try:
        field.to_internal_value(value)
    except (serializers.ValidationError, TypeError, ValueError):
        return False
    return True


def problem_shown(body: Mapping[str, Any], form: Any) -> dict[str, Any]:
    """Of a refusal the codes, and the pointers that consist of declared names."""
    names = names_of(form)
    errors = [
        {"code": error.get("code")}
        | ({"pointer": pointer} if is_known(pointer := error.get("pointer", ""), names) else {})
        for error in body.get("errors", ())[:MOST_ITEMS]
    ]
    return {"code": body.get("code"), "errors": errors}


def is_known(pointer: str, names: frozenset[str]) -> bool:
    """Whether a pointer says nothing but what the declaration says."""
    parts = pointer.split("/")[1:]
    return bool(parts) and all(part in names or part.isdecimal() for part in parts)


def names_of(form: Any) -> frozenset[str]:
    """Every name that a form declares, at any depth."""
    form = getattr(form, "child", form)
    fields = getattr(form, "fields", {})
    return frozenset(fields).union(*(names_of(field) for field in fields.values()))
