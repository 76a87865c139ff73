"""Statements whose text stands: the ORM makes an INSERT anew for every row, which costs more than
the database's own work.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from django.db import connection, models, transaction
from django.db.models.sql import InsertQuery


def insert(rows: Sequence[models.Model]) -> None:
    """Write new rows of one model by one statement. Every field fills, seals and checks its value
    as in `save()`; signals are not sent.
    """
    if not rows:
        return
    model, alias = type(rows[0]), connection.alias
    columns = [_column(field, rows) for field in model._meta.local_concrete_fields]
    text, by_column = _text(model, len(rows), connection.vendor)
    each = columns if by_column else [value for row in zip(*columns, strict=True) for value in row]
    with transaction.mark_for_rollback_on_error(alias), connection.cursor() as cursor:
        cursor.execute(text, each)
    for row in rows:
        row._state.adding, row._state.db = False, alias


def _column(field: "models.Field[Any, Any]", rows: Sequence[models.Model]) -> list[Any]:
    if type(field).pre_save is models.Field.pre_save:
        values = [getattr(row, field.attname) for row in rows]
    else:
        values = [field.pre_save(row, add=True) for row in rows]
    return [v if v is None else field.get_db_prep_save(v, connection) for v in values]


@cache
def _text(model: type[models.Model], count: int, vendor: str) -> tuple[str, bool]:
    """Django's own statement for so many rows, and whether it takes one array for each column."""
    fields = model._meta.local_concrete_fields
    query = InsertQuery(model)
    query.insert_values(fields, [model() for _ in range(count)])
    [(text, values)] = query.get_compiler(connection=connection).as_sql()
    return text, count > 1 and len(values) == len(fields)


def columns(model: type[models.Model], values: Mapping[str, Any]) -> list[Any]:
    """Values as the columns of these names take them; that of the tenant refuses any other than
    the bound one.
    """
    fields = model._meta._forward_fields_map  # type: ignore[attr-defined]  # get_field() knows reverse ones too
    return [fields[name].get_db_prep_save(value, connection) for name, value in values.items()]
