"""Statements whose text stands: the ORM makes an INSERT anew for every row, which costs more than
the database's own work.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import DEFAULT_DB_ALIAS, connections, models, transaction
from django.db.models.base import ModelState
from django.db.models.sql import InsertQuery

type Field = models.Field[Any, Any]
# What a document holds as it is, where Django would look at each value again.
KINDS: Mapping[type[Field], tuple[type, ...]] = {
    models.UUIDField: (UUID,),
    models.CharField: (str,),
    models.TextField: (str,),
    models.DecimalField: (Decimal,),
    models.IntegerField: (int,),
    models.DateTimeField: (datetime,),
    models.DateField: (date,),
    models.JSONField: (list, dict),
}


def made[M: models.Model](model: type[M], **values: Any) -> M:
    """A new row as `model(**values)` makes it, of columns by name and without signals: Django
    asks every column for its own way in, which costs more than the row.
    """
    fixed, fresh = _defaults(model)
    if unknown := values.keys() - fixed.keys():
        raise TypeError(f"{model.__name__} has no column {', '.join(sorted(unknown))}.")
    row = model.__new__(model)
    row._state = ModelState()
    row.__dict__.update(fixed)
    row.__dict__.update(values)
    for name, default in fresh.items():
        if name not in values:
            row.__dict__[name] = default()
    return row


@cache
def _defaults(model: type[models.Model]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What each column holds unless it is given, and of which each row has one of its own."""
    fields = model._meta.concrete_fields
    fresh = {f.attname: f.default for f in fields if f.has_default() and callable(f.default)}
    return {field.attname: field.get_default() for field in fields}, fresh


def insert(*batches: Sequence[models.Model]) -> None:
    """Write new rows, each batch of one model. Every field fills, seals and checks its value as in
    `save()`; signals are not sent.

    PostgreSQL gets them by one statement, each batch as one document: that is one value to send,
    whatever the number of rows.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    batches = tuple(rows for rows in batches if rows)
    if not batches:
        return
    with transaction.mark_for_rollback_on_error(connection.alias), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            text = _text_of_documents(tuple(type(rows[0]) for rows in batches))
            cursor.execute(text, [_document(rows, connection) for rows in batches])
        else:
            for rows in batches:
                each = _values(rows, connection)
                cursor.execute(
                    _text(type(rows[0]), len(rows)), [one for row in each for one in row]
                )
    for rows in batches:
        for row in rows:
            row._state.adding, row._state.db = False, connection.alias


def _document(rows: Sequence[models.Model], connection: Any) -> str:
    names = [field.column for field in rows[0]._meta.local_concrete_fields]
    document = [dict(zip(names, values, strict=True)) for values in _values(rows, connection)]
    return orjson.dumps(document, default=_number).decode()


def _values(rows: Sequence[models.Model], connection: Any) -> Iterator[tuple[Any, ...]]:
    columns = _columns(type(rows[0]))
    return zip(*(_column(*column, rows, connection) for column in columns), strict=True)


def _column(
    field: Field, kinds: tuple[type, ...], rows: Sequence[models.Model], connection: Any
) -> list[Any]:
    if type(field).pre_save is models.Field.pre_save:
        values = [getattr(row, field.attname) for row in rows]
    else:
        values = [field.pre_save(row, add=True) for row in rows]
    if connection.vendor != "postgresql":
        kinds = ()
    return [
        v if v is None or type(v) in kinds else field.get_db_prep_save(v, connection)
        for v in values
    ]


@cache
def _columns(model: type[models.Model]) -> list[tuple[Field, tuple[type, ...]]]:
    return [(field, _kinds(field)) for field in model._meta.local_concrete_fields]


def _kinds(field: Field) -> tuple[type, ...]:
    """The types whose values go as they are; none where the field has a mind of its own."""
    if type(field) is models.ForeignKey:
        field = field.target_field
    for base, kinds in KINDS.items():
        if all(
            getattr(type(field), name) is getattr(base, name)
            for name in ("get_prep_value", "get_db_prep_value", "get_db_prep_save")
        ):
            return kinds
    return ()


def _number(value: Any) -> str:
    if not isinstance(value, Decimal):
        raise TypeError(f"A document has no place for a {type(value).__name__}.")
    return str(value)


@cache
def _text_of_documents(batches: tuple[type[models.Model], ...]) -> str:
    *first, last = (_text_of_document(model) for model in batches)
    steps = ", ".join(f"step{number} AS ({text})" for number, text in enumerate(first))
    return f"WITH {steps} {last}" if steps else last


def _text_of_document(model: type[models.Model]) -> str:
    table = f'"{model._meta.db_table}"'
    names = ", ".join(f'"{field.column}"' for field in model._meta.local_concrete_fields)
    rows = f"jsonb_populate_recordset(NULL::{table}, %s::jsonb)"
    return f"INSERT INTO {table} ({names}) SELECT {names} FROM {rows}"  # noqa: S608  # the model's own names


@cache
def _text(model: type[models.Model], count: int) -> str:
    """Django's own statement for so many rows."""
    query = InsertQuery(model)
    query.insert_values(model._meta.local_concrete_fields, [model() for _ in range(count)])
    [(text, _)] = query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
    return str(text)


class Statement(NamedTuple):
    """An INSERT, UPDATE or DELETE and its values."""

    text: str
    values: list[Any]


def in_one_trip(last: Statement, beside: Statement) -> Statement:
    """`last`, which begins with WITH, and a statement on another table beside it: PostgreSQL does
    both, for one answer.
    """
    return Statement(_beside(last.text, beside.text), [*beside.values, *last.values])


@cache
def _beside(last: str, beside: str) -> str:
    return f"WITH beside AS ({beside}), {last.strip().removeprefix('WITH ')}"


def columns(model: type[models.Model], values: Mapping[str, Any]) -> list[Any]:
    """Values as the columns of these names take them; that of the tenant refuses any other than
    the bound one.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    ready = connection.vendor == "postgresql"
    fields = _by_name(model)
    return [
        value
        if ready and type(value) in fields[name][1]
        else fields[name][0].get_db_prep_save(value, connection)
        for name, value in values.items()
    ]


@cache
def _by_name(model: type[models.Model]) -> dict[str, tuple[Field, tuple[type, ...]]]:
    """Each column by its names, and the types that a parameter takes as they are."""
    fields = model._meta._forward_fields_map  # type: ignore[attr-defined]  # get_field() knows reverse ones too
    taken = {UUID, str, datetime}
    return {name: (field, tuple(taken & {*_kinds(field)})) for name, field in fields.items()}
