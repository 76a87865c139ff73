"""What a field takes and shows, said in JSON Schema: the bounds that it enforces, and no others."""

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from inspect import cleandoc
from typing import Any

from django.core.validators import RegexValidator
from drf_spectacular.drainage import get_override
from rest_framework import serializers
from rest_framework.fields import empty

from saas.validation import text
from saas.validation.fields import MAX_DIGITS, Day, DecimalText, Email, Id, Moment, Text
from saas.validation.iban import Iban

Schema = dict[str, Any]
Nested = Callable[[Any], Any]  # how the caller documents a serializer inside another

YEARS = "(19|2[01])[0-9]{2}"
DAY = rf"^{YEARS}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
TIME = r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?"
OFFSET = r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
UUID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"

# What stands in the examples, by type; a form names better ones in its `examples`.
ID = "0192a000-0000-7000-8000-000000000000"
EXAMPLES: list[tuple[type[Any], Any]] = [
    (Id, ID),
    (serializers.UUIDField, ID),
    (Day, "2026-11-22"),
    (Moment, "2026-11-22T09:30:00Z"),
    (serializers.DateField, "2026-11-22"),
    (serializers.DateTimeField, "2026-11-22T09:30:00Z"),
    (DecimalText, "10"),
    (Email, "ada@customer.example"),
    (Iban, "DE89370400440532013000"),
    (serializers.IntegerField, 1),
    (serializers.BooleanField, True),
    (serializers.DictField, {}),
    (serializers.JSONField, {}),
]


def describe(field: Any, nested: Nested) -> Schema:
    """The schema of one field. Raises TypeError for a type that nobody has described."""
    schema = _schema(field, nested)
    if field.help_text:
        schema["description"] = str(field.help_text)
    if field.default is not empty and not callable(field.default):
        schema["default"] = field.default
    return nullable(schema) if field.allow_null else schema


def nullable(schema: Schema) -> Schema:
    """`schema`, or null."""
    if "$ref" in schema:
        return {"oneOf": [schema, {"type": "null"}]}
    if "enum" in schema:
        schema["enum"] = [*schema["enum"], None]
    return {**schema, "type": [schema["type"], "null"]}


def _schema(field: Any, nested: Nested) -> Schema:
    if declared := get_override(field, "field"):  # by extend_schema_field, beside the check itself
        return dict(declared)
    match field:
        case serializers.ListSerializer():
            return _array(nested(field.child), field)
        case serializers.Serializer():
            schema: Schema = nested(field)
            return schema
        case serializers.ListField():
            return _array(describe(field.child, nested), field)
        case serializers.DictField() | serializers.JSONField():
            return {"type": "object", "additionalProperties": True}
        case serializers.BooleanField():
            return {"type": "boolean"}
        case serializers.IntegerField():
            bounds = {"minimum": field.min_value, "maximum": field.max_value}
            return {"type": "integer", **_known(bounds)}
    return {"type": "string", **_string(field)}


def _string(field: Any) -> Schema:
    match field:
        case Text():
            bounds = {
                "minLength": None if field.allow_blank else max(field.min_length or 1, 1),
                "maxLength": field.max_length,
            }
            form = text.pattern(multiline=field.multiline, blank=field.allow_blank)
            return {**_known(bounds), "pattern": form}
        case Id():
            return {"format": "uuid", "pattern": UUID}
        case Day():
            return {"format": "date", "pattern": f"{DAY}$"}
        case Moment():
            return {"format": "date-time", "pattern": f"{DAY}{TIME}{OFFSET}$"}
        case DecimalText():
            return {"pattern": decimal_pattern(field)}
        case serializers.ChoiceField():
            return {"enum": list(field.choices)}
        case serializers.UUIDField():
            return {"format": "uuid"}
        case serializers.DateTimeField():
            return {"format": "date-time"}
        case serializers.DateField():
            return {"format": "date"}
        case serializers.URLField():
            return {"format": "uri"}
        case serializers.RegexField():
            return {"pattern": _ecma(field), **_known({"maxLength": field.max_length})}
        case serializers.CharField():
            return {}
    raise TypeError(f"{field.field_name}: nobody has described {type(field).__name__}.")


def _ecma(field: serializers.RegexField) -> str:
    """The expression of a field in the words of ECMA, which has no other end of text."""
    validator = next(v for v in field.validators if isinstance(v, RegexValidator))
    return re.compile(validator.regex).pattern.replace(r"\Z", "$")


def decimal_pattern(field: DecimalText) -> str:
    """The form of a decimal as an ECMA regular expression, with its bounds where they can be said.

    Bounds that are met in practice can: not negative, more than zero, and at most a power of ten.
    """
    fraction = rf"(\.[0-9]{{1,{field.places}}})?"
    digits, most = field.digits, ""
    if field.max_value is not None and field.max_value == Decimal(10) ** (digits - 1):
        digits, most = digits - 1, rf"|{field.max_value}(\.0{{1,{field.places}}})?"
    may_be_negative = field.min_value is None or field.min_value < 0
    form = rf"(0|[1-9][0-9]{{0,{digits - 1}}}){fraction}{most}"
    refused = "".join(f"(?!{alternative}$)" for alternative in _refused_decimals(field))
    return f"^{refused}{'-?' if may_be_negative else ''}({form})$"


def _refused_decimals(field: DecimalText) -> Iterator[str]:
    if not field.zero or (field.min_value is not None and field.min_value > 0):
        yield r"-?0(\.0+)?"
    for digits in range(MAX_DIGITS + 1 - field.places, field.digits + 1):  # too many in all
        yield rf"-?[0-9]{{{digits}}}\.[0-9]{{{MAX_DIGITS + 1 - digits},}}"


def _array(items: Schema, field: Any) -> Schema:
    least = field.min_length or (None if field.allow_empty else 1)
    return {
        "type": "array",
        "items": items,
        **_known({"minItems": least, "maxItems": field.max_length}),
    }


def _known(bounds: Schema) -> Schema:
    return {name: value for name, value in bounds.items() if value is not None}


def example(field: Any, nested: Nested) -> Any:
    """A value that the field takes."""
    if examples := (get_override(field, "field") or {}).get("examples"):
        return examples[0]
    match field:
        case serializers.ListSerializer():
            return [nested(field.child)]
        case serializers.Serializer():
            return nested(field)
        case serializers.ListField():
            return [example(field.child, nested)]
        case serializers.ChoiceField():
            return next(iter(field.choices))
    for kind, value in EXAMPLES:
        if isinstance(field, kind):
            return value
    return str(field.field_name).replace("_", " ").capitalize()


def shape(form: Any, nested: Nested, guarded: Mapping[str, str]) -> Schema:
    """The closed object of a form; what needs a permission of its own is optional and says so."""
    properties = {}
    for name, field in form.fields.items():
        properties[name] = describe(field, nested)
        if name in guarded:
            properties[name]["x-permission"] = str(guarded[name])
    required = [n for n, field in form.fields.items() if field.required and n not in guarded]
    return closed(properties, required) | {"description": words_of(type(form))}


def sample(form: Any) -> Schema:
    """A form filled in: by its own `examples`, else by the types of its fields."""
    own = getattr(form, "examples", {})
    return {
        name: own[name] if name in own else example(field, sample)
        for name, field in form.fields.items()
    }


def words_of(cls: type[Any]) -> str:
    """The docstring of a class as one paragraph."""
    return " ".join(cleandoc(cls.__doc__ or "").split())


def closed(properties: Schema, required: list[str] | None = None) -> Schema:
    """An object with these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }
