"""Lists of invoices: narrowed, ordered, and as cheap for many as for one."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.apps.invoices.drafts import (
    EVERYBODY,
    LINE,
    NOBODYS,
    body,
    drafted,
    issue,
    new_customer,
    post,
)
from tests.cast import make_tenant

pytestmark = [pytest.mark.core]

LIST_BUDGET, DETAIL_BUDGET = 5, 6


def ids(member, query=""):
    """The ids of one page."""
    answer = member.get(f"invoices?{query}")
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


def priced(member, customer, price, **changes):
    """The id of a draft that comes to `price`."""
    line = {**LINE, "quantity": "1", "unit_price": price, "tax_rate": "0"}
    return drafted(member, customer, lines=[line], **changes)["id"]


def test_a_list_is_newest_first_and_leaves_out_the_lines(acme, customer):
    made = [priced(acme.clerk, customer, "1") for _ in range(3)]
    page = acme.viewer.get("invoices").json()
    assert page.keys() == {"results", "next", "previous"}
    assert [row["id"] for row in page["results"]] == made[::-1]
    assert all(row.keys() == EVERYBODY - {"lines"} for row in page["results"])


@pytest.mark.practice("AUTHZ-02")
def test_a_list_holds_the_own_tenants_invoices_alone(acme, globex, customer):
    own = priced(acme.clerk, customer, "1")
    theirs = priced(globex.clerk, new_customer(globex), "1")
    assert ids(acme.owner) == [own]
    assert ids(globex.owner) == [theirs]
    assert ids(globex.owner, f"customer={customer}") == []


def test_filters_narrow_a_list(acme, customer):
    other = new_customer(acme)
    draft = priced(acme.clerk, customer, "1", due_on="2026-12-31")
    euro = priced(acme.clerk, other, "1", due_on="2027-01-31")
    yen = priced(acme.clerk, customer, "1", currency="JPY")
    issue(acme, {"id": euro})
    for query, expected in {
        "status=draft": [yen, draft],
        "status=issued": [euro],
        "status=paid": [],
        f"customer={customer}": [yen, draft],
        f"customer={NOBODYS}": [],
        "currency=JPY": [yen],
        "due_before=2027-01-01": [draft],
        "due_before=2026-12-31": [],
        "due_after=2026-12-30": [euro, draft],
        "due_after=2026-12-31": [euro],
        f"customer={customer}&status=draft&currency=EUR": [draft],
    }.items():
        assert ids(acme.viewer, query) == expected, query


@pytest.mark.practice("INPUT-02")
@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("status=open", "status"),
        ("status=Draft", "status"),
        ("currency=eur", "currency"),
        ("customer=1", "customer"),
        ("due_before=tomorrow", "due_before"),
        ("due_after=2026-13-01", "due_after"),
        ("total=1", "total"),
        ("internal_note=x", "internal_note"),
        ("drafted_by_id=1", "drafted_by_id"),
        ("tenant=1", "tenant"),
        ("customer__name=x", "customer__name"),
        ("status=draft&status=paid", "status"),
        ("ordering=internal_note", "ordering"),
        ("ordering=number", "ordering"),
        ("ordering=name", "ordering"),
        ("ordering=total,due_on", "ordering"),
        ("page_size=0", "page_size"),
        ("page_size=101", "page_size"),
    ],
)
def test_what_is_not_offered_is_refused(acme, query, parameter):
    answer = acme.owner.get(f"invoices?{query}")
    assert answer.status_code == 400
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]


def test_lists_are_ordered_and_what_has_no_date_comes_last(acme, customer):
    days = {"first": "2026-01-01", "second": "2026-06-01", "none": None}
    made = {
        name: priced(acme.clerk, customer, price, due_on=days[name])
        for name, price in (("second", "20"), ("none", "3"), ("first", "100"))
    }
    for ordering, names in {
        "created_at": ["second", "none", "first"],
        "-created_at": ["first", "none", "second"],
        "total": ["none", "second", "first"],
        "-total": ["first", "second", "none"],
        "due_on": ["first", "second", "none"],
        "-due_on": ["second", "first", "none"],
    }.items():
        expected = [made[name] for name in names]
        assert ids(acme.viewer, f"ordering={ordering}") == expected, ordering
        assert walked(acme.viewer, f"invoices?page_size=1&ordering={ordering}") == expected


def walked(member, url):
    """The ids of all pages, one link after the other."""
    found = []
    while url:
        page = member.get(url).json()
        found += [row["id"] for row in page["results"]]
        url = page["next"]
    return found


def statements(member, path):
    """The SQL of one request, without what opens and closes the transaction and the binding."""
    with CaptureQueriesContext(connection) as seen:
        answer = member.get(path)
    assert answer.status_code == 200
    control = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "SELECT set_config('app.tenant', ''")
    return [entry["sql"] for entry in seen if not entry["sql"].startswith(control)]


def test_no_list_and_no_detail_costs_more_for_holding_more(committed):
    acme = make_tenant("Acme")
    customer = new_customer(acme)
    few = drafted(acme.owner, customer, internal_note="x")["id"]
    list_of_one = statements(acme.owner, "invoices")
    detail_of_one = statements(acme.owner, f"invoices/{few}")
    many = drafted(acme.owner, customer, lines=[LINE] * 60)["id"]
    for _ in range(10):
        post(acme.owner, body(customer, lines=[LINE] * 20))
    assert len(list_of_one) <= LIST_BUDGET, list_of_one
    assert len(detail_of_one) <= DETAIL_BUDGET, detail_of_one
    for query in ("", "?page_size=3", "?ordering=-total", f"?customer={customer}&status=draft"):
        listed = statements(acme.owner, f"invoices{query}")
        assert len(listed) == len(list_of_one)
        assert not any("invoices_invoiceline" in sql for sql in listed)
    assert len(statements(acme.owner, f"invoices/{many}")) == len(detail_of_one)


def test_five_hundred_lines_are_written_by_one_insert(acme, customer):
    with CaptureQueriesContext(connection) as seen:
        drafted(acme.owner, customer, lines=[LINE] * 500)
    inserts = [e for e in seen if 'INSERT INTO "invoices_invoiceline"' in e["sql"]]
    assert len(inserts) == 1
