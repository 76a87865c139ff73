"""The SQL of a hot read is compiled once, for nobody: each run fills in its own tenant and values.

Building and compiling a query costs Django several times what PostgreSQL takes to answer it. The
text is derived from the view's own queryset, and is the one that the queryset would have sent.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Self

import orjson
from django.core.exceptions import ObjectDoesNotExist
from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models.base import ModelState

from saas.tenancy.binding import TENANT, Blank, bound_tenant, for_nobody


class Filled(models.Expression):
    """A value that a run fills in."""

    def __init__(self, name: str, field: Any) -> None:
        super().__init__(output_field=field)
        self.blank = Blank(name, field)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """A parameter that nothing but Text.run() can send."""
        return "%s", (self.blank,)


ID = Filled("id", models.UUIDField())  # of the row that is sought, or that a page starts at


class Part(NamedTuple):
    """Rows that point at the one that was read: where they go, by which key, and their text."""

    to: str
    link: Any
    text: "Text"


class Text(NamedTuple):
    """A query of one table without its values: what a queryset says, to be said again and again."""

    model: type[models.Model]
    sql: str
    blanks: tuple[Blank, ...]
    names: list[str]
    converters: dict[int, Any]
    parts: list[Part]

    @classmethod
    def of(cls, build: Callable[[], models.QuerySet[Any]]) -> Self:
        """The text of a queryset, which is built and compiled where nobody is bound."""
        with for_nobody():
            rows = build()
            compiler = rows.query.get_compiler(DEFAULT_DB_ALIAS)
            sql, found = compiler.as_sql()
            blanks = tuple(one for one in found if isinstance(one, Blank))
            columns = [column for column, _, _ in compiler.select]
            if len(blanks) < len(found) or rows.query.select_related or rows.query.annotations:
                # A value that is no blank is somebody's, or of a moment: it must not be said again.
                raise TypeError(f"{rows.model.__name__}: this query holds more than its blanks.")
            return cls(
                rows.model,
                sql,
                blanks,
                [column.target.attname for column in columns],
                _converters(compiler, columns),
                list(_parts(rows)),
            )

    def run(self, **values: Any) -> list[Any]:
        """The rows of the bound tenant."""
        connection = connections[DEFAULT_DB_ALIAS]
        values[TENANT.name] = bound_tenant()
        sent = [
            blank.field.get_db_prep_value(values[blank.name], connection) for blank in self.blanks
        ]
        with connection.cursor() as cursor:
            cursor.execute(self.sql, sent)
            found = [list(values) for values in cursor.fetchall()]
        for at, (converters, column) in self.converters.items():
            for convert in converters:
                for one in found:
                    one[at] = convert(one[at], column, connection)
        return [self._made(one, connection.alias) for one in found]

    def one(self, id: Any) -> Any:
        """The row of the bound tenant with this id, and its parts, or ObjectDoesNotExist."""
        found = self.run(id=id)
        if not found:
            raise ObjectDoesNotExist
        [row] = found
        for to, link, text in self.parts:
            members = text.run(id=id)
            for member in members:
                link.set_cached_value(member, row)
            setattr(row, to, members)
        return row

    def _made(self, values: list[Any], alias: str) -> Any:
        """A row as Model.from_db() makes it, without asking each column whether it is deferred."""
        row = self.model.__new__(self.model)
        row._state = ModelState()
        row._state.adding, row._state.db = False, alias
        row.__dict__.update(zip(self.names, values, strict=True))
        return row


def _converters(compiler: Any, columns: list[Any]) -> dict[int, Any]:
    """Django's own, but for documents, of which a page has hundreds."""
    return {
        at: ([_document] if converters == [column.target.from_db_value] else converters, column)
        if type(column.target) is models.JSONField and column.target.decoder is None
        else (converters, column)
        for at, (converters, column) in compiler.get_converters(columns).items()
    }


def _document(value: str | None, *_: Any) -> Any:
    return None if value is None else orjson.loads(value)


def _parts(rows: models.QuerySet[Any]) -> Iterator[Part]:
    for asked in rows._prefetch_related_lookups:  # type: ignore[attr-defined]  # the stubs leave it out
        link = rows.model._meta.get_field(asked.prefetch_through).remote_field
        of_one = asked.queryset.filter(**{link.name: ID})
        yield Part(asked.to_attr, link, Text.of(lambda said=of_one: said))  # type: ignore[misc]  # mypy knows no such default
