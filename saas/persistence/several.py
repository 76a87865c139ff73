"""Rows of several tables listed as one, sorted together by the database."""

from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import QuerySet, Value


class Several:
    """What the spine asks of a queryset, asked of each part. The parts share the names of the
    columns that are sorted and filtered by; ids are unique among all of them.
    """

    def __init__(self, *parts: QuerySet[Any], ordering: tuple[Any, ...] = ()) -> None:
        self.parts = parts
        self.ordering = ordering

    @property
    def model(self) -> Any:
        """The model that says of which type a column is."""
        return self.parts[0].model

    def filter(self, *conditions: Any, **named: Any) -> "Several":
        """Those rows of each part."""
        return Several(*(part.filter(*conditions, **named) for part in self.parts))

    def order_by(self, *ordering: Any) -> "Several":
        """In this order, across the parts."""
        return Several(*self.parts, ordering=ordering)

    def select_for_update(self, **options: Any) -> "Several":
        """Locked, whichever it will be."""
        return Several(*(part.select_for_update(**options) for part in self.parts))

    def get(self, **which: Any) -> Any:
        """The one row. Raises DoesNotExist."""
        for part in self.parts:
            if (row := part.filter(**which).first()) is not None:
                return row
        raise ObjectDoesNotExist

    def __getitem__(self, some: slice) -> list[Any]:
        """A slice: the ids in one query, the rows in one of each part that has any of them."""
        columns = [name for term in self.ordering if (name := _column(term)) != "id"]
        first, *others = (
            part.order_by().annotate(part=Value(number)).values_list("id", "part", *columns)
            for number, part in enumerate(self.parts)
        )
        places = list(first.union(*others, all=True).order_by(*self.ordering)[some])
        rows: dict[Any, Any] = {}
        for number, part in enumerate(self.parts):
            if ids := [id for id, at, *_ in places if at == number]:
                rows |= part.in_bulk(ids)
        return [rows[id] for id, *_ in places]


def _column(term: Any) -> str:
    name: str = term.lstrip("-") if isinstance(term, str) else term.expression.name
    return name
