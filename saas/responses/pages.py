"""Pages by key, newest first: the thousandth costs what the first costs, and nothing is counted."""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

from saas import crypto
from saas.errors import invalid

TAG = 32  # characters of HMAC that a cursor carries: 128 bits
OWN_PARAMETERS = frozenset({"cursor", "page_size", "ordering"})


class Place(NamedTuple):
    """Where a page starts: after the row with this value and id, going forwards or back."""

    value: Any
    id: Any
    back: bool


class Page(NamedTuple):
    """The rows of one page, and the places of its neighbours."""

    rows: list[Any]
    next: Place | None
    previous: Place | None


class Order(NamedTuple):
    """A column and a direction; `id` breaks ties, and rows without a value come last."""

    column: str
    descending: bool
    nullable: bool


NEWEST = Order("id", descending=True, nullable=False)


def read_order(
    asked: str | None, sortable: Mapping[str, str], rows: Callable[[], QuerySet[Any]]
) -> Order:
    """The order that `?ordering=` asks for. Raises 400 for a column that is not offered to this
    reader.
    """
    if asked is None:
        return NEWEST
    name = asked.removeprefix("-")
    if name not in sortable:
        raise invalid("invalid-choice", "This ordering is not offered.", parameter="ordering")
    column = sortable[name]
    return Order(column, asked.startswith("-"), _field(rows().model, column).null)


def read_size(asked: str | None) -> int:
    """`?page_size=`: 1 to 100, 50 when absent. Raises 400; digits of other scripts are no digits
    here.
    """
    if asked is None:
        return settings.LIMITS["page_default"]
    if not (
        asked.isascii()
        and asked.isdigit()
        and len(asked) <= 3
        and 1 <= int(asked) <= settings.LIMITS["page_max"]
    ):
        raise invalid("invalid", "page_size is a number from 1 to 100.", parameter="page_size")
    return int(asked)


def sought(rows: QuerySet[Any], order: Order, place: Place | None, size: int) -> QuerySet[Any]:
    """The rows of the page that starts at `place`, and one more to know whether another follows."""
    back = place is not None and place.back
    if place is not None:
        rows = rows.filter(_beyond(order, _typed(place, order, rows.model)))
    return rows.order_by(*_ordering(order, back))[: size + 1]


def cut(found: list[Any], order: Order, place: Place | None, size: int) -> Page:
    """The page, of the rows that were `sought`."""
    back = place is not None and place.back
    more, found = len(found) > size, found[:size]
    if back:
        found.reverse()
    at = [_place(order, row) for row in (found[0], found[-1])] if found else []
    has_next = more if not back else True
    has_previous = more if back else place is not None
    return Page(
        found,
        at[1]._replace(back=False) if at and has_next else None,
        at[0]._replace(back=True) if at and has_previous else None,
    )


def _ordering(order: Order, back: bool) -> list[Any]:
    descending = order.descending != back
    if order.column == "id":
        return ["-id" if descending else "id"]
    column = F(order.column)
    if order.nullable:
        last = {"nulls_first": True} if back else {"nulls_last": True}
        first = column.desc(**last) if descending else column.asc(**last)
    else:
        first = column.desc() if descending else column.asc()
    return [first, "-id" if descending else "id"]


def _beyond(order: Order, place: Place) -> Q:
    """The rows after `place`, as one row comparison: written as OR it would not use the index."""
    descending = order.descending != place.back
    by_id = Q(id__lt=place.id) if descending else Q(id__gt=place.id)
    if order.column == "id":
        return by_id
    absent = Q(**{f"{order.column}__isnull": True})
    if place.value is None:
        return (absent & by_id) | ~absent if place.back else absent & by_id
    compare = TupleLessThan if descending else TupleGreaterThan
    beyond = Q(compare(Tuple(F(order.column), F("id")), (place.value, place.id)))
    return beyond | absent if order.nullable and not place.back else beyond


def _typed(place: Place, order: Order, model: Any) -> Place:
    """The place with the column's own types in place of the cursor's text."""
    key = place.id if hasattr(place.id, "as_sql") else model._meta.pk.to_python(place.id)
    value = None if place.value is None else _field(model, order.column).to_python(place.value)
    return Place(value, key, place.back)


def _field(model: Any, column: str) -> Any:
    """The field of a column; `user__name` is one of the row that `user` points at."""
    *relations, name = column.split("__")
    for relation in relations:
        model = model._meta.get_field(relation).related_model
    return model._meta.get_field(name)


def _place(order: Order, row: Any) -> Place:
    value = None if order.column == "id" else reduce(getattr, order.column.split("__"), row)
    return Place(None if value is None else str(value), str(row.pk), back=False)


def write_cursor(place: Place, context: str) -> str:
    """A place as opaque text, bound to the tenant, the filter and the ordering by a tag."""
    text = json.dumps(place, separators=(",", ":"))
    tag = crypto.digest(f"{context}\0{text}", purpose="cursor")[:TAG]
    return urlsafe_b64encode(f"{tag}{text}".encode()).decode().rstrip("=")


def read_cursor(cursor: str, context: str) -> Place:
    """The place, or 400 when the cursor was made for another tenant, filter or ordering, or by
    somebody else.
    """
    try:
        plain = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        tag, text = plain[:TAG], plain[TAG:]
        for known in crypto.digests(f"{context}\0{text}", purpose="cursor"):
            if crypto.equal(tag, known[:TAG]):
                return Place(*json.loads(text))
    except ValueError:
        pass
    raise invalid("invalid", "This cursor does not belong to this list.", parameter="cursor")


def context_of(tenant_id: Any, operation: str, path: str, query: Mapping[str, str]) -> str:
    """What a cursor is bound to: everything of the query that is not the cursor or the size."""
    rest = sorted(
        (name, value) for name, value in query.items() if name not in ("cursor", "page_size")
    )
    return hashlib.sha256(json.dumps([str(tenant_id), operation, path, rest]).encode()).hexdigest()


def link(path: str, query: Mapping[str, str], place: Place | None, context: str) -> str | None:
    """The absolute URL of a neighbouring page, on the configured origin: never on the Host that a
    caller sent.
    """
    if place is None:
        return None
    there = urlencode({**query, "cursor": write_cursor(place, context)})
    return f"{settings.SAAS_ORIGIN}{path}?{there}"
