"""What goes out is an allowlist of fields, and each guarded one names the permission that it
needs.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar

from django.db import models
from rest_framework import serializers

from saas.audit import trail
from saas.authorization.fields import NO_FIELDS, FieldAccess
from saas.context import Actor

PERSONAL_DATA = "pii.accessed"


class Output(serializers.Serializer[Any]):
    """The fields of one resource, as documents and answers show them.

    A field that the reader may not see is absent, not null: null would say that it exists.
    `summary` names the fields that lists leave out. A field with `required=False` is absent
    while nothing was given for it (null or an empty list); every other one is always there.
    """

    access: ClassVar[FieldAccess] = NO_FIELDS
    summary: ClassVar[frozenset[str]] = frozenset()
    examples: ClassVar[Mapping[str, Any]] = {}  # for the documents

    @classmethod
    def shown_to(cls, actor: Actor, *, in_list: bool = False) -> frozenset[str]:
        """The names that `actor` sees."""
        guarded = cls.access.guarded.keys() - cls.access.visible(actor)
        left_out = cls.summary if in_list else frozenset()
        return frozenset(cls.writers()) - guarded - left_out

    @classmethod
    @cache
    def writers(cls) -> dict[str, Callable[[Any], Any]]:
        """One function for each field, made once: a DRF serializer per row costs more than the
        query.
        """
        form = cls()
        return {name: _writer(field) for name, field in form.fields.items()}

    @classmethod
    @cache
    def optional(cls) -> frozenset[str]:
        """The names that are absent while nothing was given."""
        return frozenset(name for name, field in cls().fields.items() if not field.required)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """A row inside another one: its public fields, since no reader is known here."""
        return _write(type(self), instance, self.access.public)


def _instant(value: datetime) -> str:
    """As RFC 3339 writes it, in UTC."""
    return f"{value.astimezone(UTC).isoformat()[:-6]}Z"


# What these fields write of a row's value, without DRF's detours by settings and formats.
WRITTEN: Mapping[type, Callable[[Any], Any]] = {
    serializers.UUIDField: str,
    serializers.CharField: str,
    serializers.DateTimeField: _instant,
}


def _writer(field: serializers.Field) -> Callable[[Any], Any]:  # type: ignore[type-arg]  # of any field
    is_plain = type(field).get_attribute is serializers.Field.get_attribute and field.source != "*"
    get = attrgetter(str(field.source)) if is_plain else field.get_attribute
    write = WRITTEN.get(type(field), field.to_representation)

    def written(row: Any) -> Any:
        value = get(row)
        return None if value is None else write(value)

    return written


def disclose(output: type[Output], actor: Actor, row: models.Model) -> dict[str, Any]:
    """One row as `actor` may see it; personal fields that are shown leave an entry in the trail."""
    shown = output.shown_to(actor)
    body = _write(output, row, shown)
    personal = sorted(name for name in output.access.personal & shown if body.get(name) is not None)
    if personal:
        trail.record(actor, PERSONAL_DATA, row, fields=personal)
    return body


def disclose_list(
    output: type[Output], actor: Actor, rows: Iterable[models.Model]
) -> list[dict[str, Any]]:
    """Rows in their summary form, which holds no personal field whose disclosure is recorded."""
    shown = output.shown_to(actor, in_list=True)
    return [_write(output, row, shown) for row in rows]


@cache
def _plan(
    output: type[Output], shown: frozenset[str]
) -> tuple[tuple[str, Callable[[Any], Any], bool], ...]:
    """Name, writer and whether it may be absent, of each field that is shown."""
    optional = output.optional()
    writers = output.writers().items()
    return tuple((name, write, name in optional) for name, write in writers if name in shown)


def _write(output: type[Output], row: Any, shown: frozenset[str]) -> dict[str, Any]:
    body = {}
    for name, write, may_be_absent in _plan(output, shown):
        value = write(row)
        if not (may_be_absent and (value is None or value == [])):
            body[name] = value
    return body
