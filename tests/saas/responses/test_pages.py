"""Pages follow each other without a gap, and a cursor opens the one list that it was made for."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import date
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings as live

from saas.responses.pages import Place, read_cursor, write_cursor
from saas.tenancy.binding import bind
from tests.saas.walls import write
from tests.saas.wire import refused, statements
from tests.toy.models import Note

pytestmark = [pytest.mark.core]


@pytest.fixture
def seven(acme):
    """Notes of which some share a title and some have no day."""
    days = [
        None,
        date(2026, 3, 1),
        date(2026, 1, 1),
        None,
        date(2026, 3, 1),
        date(2026, 2, 1),
        None,
    ]
    notes = [write(acme, f"T{n % 3}", due_on=day) for n, day in enumerate(days)]
    return sorted(notes, key=lambda note: note.pk)  # of one millisecond, any may be the newer


def walk(member, query):
    """The ids of every page going forward, and every page going back from the last."""
    forward: list[list[str]] = []
    back: list[list[str]] = []
    url = f"notes?{query}"
    while url:
        page = member.get(url).json()
        forward.append([row["id"] for row in page["results"]])
        url = page["next"]
    url = page["previous"]
    while url:
        page = member.get(url).json()
        back.insert(0, [row["id"] for row in page["results"]])
        url = page["previous"]
    return forward, back


def flat(pages):
    """The ids of all pages in a row."""
    return [row for page in pages for row in page]


def expected(notes, ordering):
    """What an ordering means: a value before none, equal values by id, `-` reverses both."""
    column, turned = ordering.lstrip("-"), ordering.startswith("-")
    with_value = [n for n in notes if getattr(n, column) is not None]
    absent = [n for n in notes if getattr(n, column) is None]
    with_value.sort(key=lambda n: (getattr(n, column), n.pk), reverse=turned)
    absent.sort(key=lambda n: n.pk, reverse=turned)
    return [str(n.pk) for n in with_value + absent]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
@pytest.mark.parametrize(
    "ordering", ["created_at", "-created_at", "title", "-title", "due_on", "-due_on"]
)
def test_every_row_is_on_one_page_in_order_and_the_way_back_is_the_way_there(
    acme, seven, ordering, size
):
    forward, back = walk(acme.owner, f"page_size={size}&ordering={ordering}")
    assert flat(forward) == expected(seven, ordering)
    assert all(len(page) == size for page in forward[:-1])
    assert back == forward[:-1]


def test_newest_comes_first_where_nobody_asks(acme, seven):
    forward, _ = walk(acme.owner, "page_size=4")
    assert flat(forward) == [str(note.pk) for note in reversed(seven)]


def test_the_first_page_has_no_previous_and_the_last_no_next(acme, seven):
    first = acme.owner.get("notes?page_size=7").json()
    assert (first["next"], first["previous"]) == (None, None)
    assert first.keys() == {"results", "next", "previous"}
    empty = acme.viewer.get("notes?title=nothing").json()
    assert empty == {"results": [], "next": None, "previous": None}


def test_the_page_is_fifty_rows_unless_asked_and_never_over_a_hundred(acme):
    with bind(acme.id):
        Note.objects.bulk_create([Note(title="x") for _ in range(120)])
    for query, size in (("", 50), ("?page_size=100", 100), ("?page_size=1", 1)):
        assert len(acme.owner.get(f"notes{query}").json()["results"]) == size
    refused(acme.owner.get("notes?page_size=101"), 400, "invalid-request")


def test_a_link_is_absolute_on_the_configured_origin_whatever_host_was_sent(acme, seven):
    page = acme.owner.get("notes?page_size=2&title=T0", Host="localhost").json()
    link = urlsplit(page["next"])
    assert f"{link.scheme}://{link.netloc}" == live.SAAS_ORIGIN
    query = parse_qs(link.query)
    assert (link.path, query["title"], query["page_size"]) == ("/api/v1/notes", ["T0"], ["2"])


def test_rows_that_come_and_go_shift_nothing(acme, seven):
    first = acme.owner.get("notes?page_size=3").json()
    new = write(acme, "new")
    with bind(acme.id):
        seven[-1].delete()
    second = acme.owner.get(first["next"]).json()
    assert [row["id"] for row in second["results"]] == [str(n.pk) for n in seven[3:0:-1]]
    assert str(new.pk) not in str(second)


def cursor_of(url):
    """The cursor of a link."""
    return parse_qs(urlsplit(url).query)["cursor"][0]


@pytest.mark.practice("AUTHZ-03")
def test_a_cursor_is_bound_to_tenant_filter_ordering_and_list(acme, globex, seven):
    write(globex, "theirs")
    cursor = cursor_of(acme.owner.get("notes?page_size=2&ordering=title").json()["next"])
    same = f"notes?ordering=title&cursor={cursor}"
    assert acme.owner.get(same).status_code == 200
    assert acme.owner.get(f"{same}&page_size=1").status_code == 200  # the size may change
    for member, url in (
        (globex.owner, same),
        (acme.owner, f"notes?cursor={cursor}"),
        (acme.owner, f"notes?ordering=-title&cursor={cursor}"),
        (acme.owner, f"{same}&title=T0"),
    ):
        document = refused(member.get(url), 400, "invalid-request")
        (error,) = document["errors"]
        assert (error["parameter"], error["code"]) == ("cursor", "invalid")


def plain(cursor):
    """The tag and the text of a cursor."""
    text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    return text[:32], text[32:]


def packed(text):
    """A text as a cursor would carry it."""
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.practice("AUTHZ-03")
def test_no_changed_cursor_is_believed(acme, seven):
    cursor = cursor_of(acme.owner.get("notes?page_size=2").json()["next"])
    tag, text = plain(cursor)
    value, row, back = json.loads(text)
    forged = [
        packed(tag + json.dumps([value, str(seven[0].pk), back], separators=(",", ":"))),
        packed(tag + json.dumps([value, row, True], separators=(",", ":"))),
        packed(tag + text + " "),
        packed(tag[::-1] + text),
        packed(text),
        packed("0" * 32 + text),
        packed("0" * 32 + "["),
        cursor[:-4],
        cursor[1:],
        cursor + "AAAA",
        "",
        "x",
        "=",
        "é",
        "%00",
        "A" * 3000,
        "[1,2,3]",
        packed("\ud7ff" * 40),
    ]
    for index in range(0, len(cursor), 7):
        other = "A" if cursor[index] != "A" else "B"
        forged.append(cursor[:index] + other + cursor[index + 1 :])
    for bad in forged:
        document = refused(acme.owner.get(f"notes?cursor={bad}"), 400, "invalid-request")
        assert document["errors"][0]["parameter"] == "cursor", bad


def test_a_place_survives_its_cursor():
    for place in (
        Place(None, "1", False),
        Place("a\0é", "2", True),
        Place("2026-01-01", "3", True),
    ):
        assert read_cursor(write_cursor(place, "here"), "here") == place


@pytest.mark.practice("AUTHZ-11")
def test_nobody_sorts_by_what_they_may_not_see(acme, seven):
    refused(acme.clerk.get("notes?ordering=body"), 400, "invalid-request")
    assert acme.owner.get("notes?ordering=body").status_code == 200


def test_a_list_costs_the_same_few_queries_however_long_it_is(acme, seven):
    def cost():
        with statements() as sent:
            acme.owner.get("notes?page_size=100")
        return len(sent)

    cost()  # the first call remembers that the key was used
    few = cost()
    with bind(acme.id):
        Note.objects.bulk_create([Note(title="x", body="y") for _ in range(90)])
    assert cost() == few
    with statements() as sent:
        acme.owner.get("notes?page_size=2")
    assert not [sql for sql in sent if "COUNT(" in sql.upper() or "OFFSET" in sql.upper()]
