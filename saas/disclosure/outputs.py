"""What goes out is an allowlist of fields, and each guarded one names the permission that it
needs.
"""

from collections.abc import Callable, Iterable, Mapping, Set
from functools import cache
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


def _writer(field: serializers.Field) -> Callable[[Any], Any]:  # type: ignore[type-arg]  # of any field
    get, write = field.get_attribute, field.to_representation

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


def _write(output: type[Output], row: Any, shown: Set[str]) -> dict[str, Any]:
    body = {name: write(row) for name, write in output.writers().items() if name in shown}
    for name in output.optional() & shown:
        if body[name] is None or body[name] == []:
            del body[name]
    return body
