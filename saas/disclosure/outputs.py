"""What goes out is an allowlist of fields, and each guarded one names the permission that it
needs.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar, NamedTuple

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
    def writers(cls) -> "dict[str, Writer]":
        """What writes each field, made once: a DRF serializer per row costs more than the query."""
        form = cls()
        return {name: _writer(field) for name, field in form.fields.items()}

    @classmethod
    @cache
    def optional(cls) -> frozenset[str]:
        """The names that are absent while nothing was given."""
        return frozenset(name for name, field in cls().fields.items() if not field.required)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """A row inside another one: its public fields, since no reader is known here."""
        return _write(_plan(type(self), frozenset(self.access.public)), instance)


def _as_it_is(value: Any) -> Any:
    return value


# What these fields write of a row's value, without DRF's detours by settings and formats. The
# renderer writes dates, instants in UTC and UUIDs.
WRITTEN: Mapping[type, Callable[[Any], Any]] = {
    serializers.UUIDField: _as_it_is,
    serializers.CharField: str,
    serializers.DateField: _as_it_is,
    serializers.DateTimeField: _as_it_is,
    serializers.ChoiceField: _as_it_is,
}


class Writer(NamedTuple):
    """Where the value of a field stands in a row, and how it is written: by itself, with what
    stands `beside` it, or of the whole row, where it is no attribute.
    """

    source: str
    write: Callable[..., Any]
    beside: str = ""
    of_row: bool = False


def _writer(field: serializers.Field) -> Writer:  # type: ignore[type-arg]  # of any field
    write = WRITTEN.get(type(field), field.to_representation)
    if type(field).get_attribute is serializers.Field.get_attribute and field.source != "*":
        beside = getattr(field, "beside", "")
        return Writer(str(field.source), field.written if beside else write, beside)  # type: ignore[attr-defined]  # who names one has the other

    def written(row: Any) -> Any:
        value = field.get_attribute(row)
        return None if value is None else write(value)

    return Writer("__class__", written, of_row=True)


def disclose(output: type[Output], actor: Actor, row: models.Model) -> dict[str, Any]:
    """One row as `actor` may see it; personal fields that are shown leave an entry in the trail."""
    shown = output.shown_to(actor)
    body = _write(_plan(output, shown), row)
    personal = sorted(name for name in output.access.personal & shown if body.get(name) is not None)
    if personal:
        trail.record(actor, PERSONAL_DATA, row, fields=personal)
    return body


def disclose_list(
    output: type[Output], actor: Actor, rows: Iterable[models.Model]
) -> list[dict[str, Any]]:
    """Rows in their summary form, which holds no personal field whose disclosure is recorded."""
    plan = _plan(output, output.shown_to(actor, in_list=True))
    return [_write(plan, row) for row in rows]


class Plan(NamedTuple):
    """The fields that are shown, ready to be written row after row."""

    names: tuple[str, ...]
    read: Callable[[Any], tuple[Any, ...]]  # all attributes at once
    values: tuple[tuple[str, Callable[..., Any]], ...]
    pairs: tuple[tuple[str, Callable[..., Any], int], ...]  # and where the other value is
    rows: tuple[tuple[str, Callable[..., Any]], ...]
    optional: tuple[str, ...]


@cache
def _plan(output: type[Output], shown: frozenset[str]) -> Plan:
    writers = {name: one for name, one in output.writers().items() if name in shown}
    sources = [one.source for one in writers.values()]
    sources += dict.fromkeys(one.beside for one in writers.values() if one.beside)
    return Plan(
        tuple(writers),
        attrgetter(*sources, "__class__", "__class__"),  # always more than one, so always a tuple
        tuple(
            (name, one.write)
            for name, one in writers.items()
            if not (one.of_row or one.beside or one.write is _as_it_is)
        ),
        tuple(
            (name, one.write, sources.index(one.beside, len(writers)))
            for name, one in writers.items()
            if one.beside
        ),
        tuple((name, one.write) for name, one in writers.items() if one.of_row),
        tuple(name for name in writers if name in output.optional()),
    )


def _write(plan: Plan, row: Any) -> dict[str, Any]:
    found = plan.read(row)
    body = dict(zip(plan.names, found, strict=False))
    for name, write in plan.values:
        value = body[name]
        if value is not None and value != []:
            body[name] = write(value)
    for name, write, place in plan.pairs:
        value = body[name]
        if value is not None:
            body[name] = write(value, found[place])
    for name, write in plan.rows:
        body[name] = write(row)
    for name in plan.optional:
        value = body[name]
        if value is None or value == []:
            del body[name]
    return body
