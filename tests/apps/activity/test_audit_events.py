"""The trail, as the organization that it belongs to reads and checks it."""

from datetime import datetime
from uuid import UUID

import pytest

from saas.audit.chain import canonical, link
from saas.audit.models import GENESIS, AuditEntry

pytestmark = [pytest.mark.core]

WHOLE = {
    "id",
    "seq",
    "at",
    "event",
    "principal",
    "user",
    "request_id",
    "object",
    "data",
    "hash",
}
NOBODY = "00000000-0000-7000-8000-000000000000"


def everything(member, query=""):
    """All entries of a list, page after page."""
    rows, url = [], f"audit-events?page_size=3{query}"
    while url:
        page = member.get(url).json()
        rows += page["results"]
        url = page["next"]
    return rows


def test_the_trail_is_read_newest_first_and_without_a_gap(acme):
    for name in ("One", "Two", "Three"):
        acme.owner.post("customers", {"name": name, "country": "DE"})
    rows = everything(acme.accountant)
    assert [row["seq"] for row in rows] == list(range(len(rows), 0, -1))
    assert [row["event"] for row in rows[:3]] == ["customer.created"] * 3
    assert rows[-1]["event"] == "organization.created"
    assert everything(acme.accountant, "&ordering=seq") == rows[::-1]
    for row in rows:
        assert row.keys() == WHOLE
        assert row["at"].endswith("Z")


def test_an_entry_says_who_did_what_to_what_in_which_request(acme):
    made = acme.clerk.post("customers", {"name": "Initech", "country": "DE"})
    [entry] = acme.owner.get("audit-events?event=customer.created").json()["results"]
    assert entry["principal"] == {"kind": "api-key", "id": str(acme.clerk.key.pk)}
    assert entry["user"] == str(acme.clerk.user.pk)
    assert entry["object"] == {"type": "customer", "id": made.json()["id"]}
    assert entry["request_id"] == made["X-Request-Id"]
    assert "Initech" not in str(entry)
    assert acme.owner.get(f"audit-events/{entry['id']}").json() == entry


def test_what_no_request_did_and_what_is_about_no_row_says_null(acme):
    founding = everything(acme.owner, "&event=organization.created")[0]
    assert founding["principal"] == {"kind": "system", "id": None}
    assert (founding["user"], founding["request_id"]) == (None, None)
    acme.viewer.post("customers", {"name": "Initech", "country": "DE"})
    [refusal] = acme.owner.get("audit-events?event=request.refused").json()["results"]
    assert refusal["object"] is None


@pytest.mark.practice("LOG-04")
def test_a_reader_can_check_the_whole_chain_from_what_the_api_shows(acme):
    acme.owner.post("customers", {"name": "Initech", "country": "DE"})
    acme.viewer.get("members")
    previous = GENESIS
    for row in everything(acme.owner, "&ordering=seq"):
        entry = AuditEntry(
            id=UUID(row["id"]),
            at=datetime.fromisoformat(row["at"]),
            event=row["event"],
            principal_kind=row["principal"]["kind"],
            principal_id=row["principal"]["id"],
            user_id=row["user"],
            request_id=row["request_id"],
            object_type=row["object"]["type"] if row["object"] else "",
            object_id=row["object"]["id"] if row["object"] else None,
            data=row["data"],
        )
        assert link(previous, row["seq"], canonical(acme.id, entry)) == row["hash"]
        previous = row["hash"]


def test_the_trail_is_narrowed_by_event_object_and_user(acme):
    one = acme.clerk.post("customers", {"name": "One", "country": "DE"}).json()
    acme.owner.post("customers", {"name": "Two", "country": "DE"})
    by_event = everything(acme.owner, "&event=customer.created")
    assert len(by_event) == 2
    by_object = everything(acme.owner, f"&object={one['id']}")
    assert [row["event"] for row in by_object] == ["customer.created"]
    by_user = everything(acme.owner, f"&user={acme.clerk.user.pk}")
    assert [row["object"]["id"] for row in by_user] == [one["id"]]
    both = everything(acme.owner, f"&event=customer.created&user={acme.owner.user.pk}")
    assert len(both) == 1
    assert everything(acme.owner, "&event=moon.landed") == []


@pytest.mark.practice("INPUT-02")
@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("event=%25", "event"),
        ("event=customer.created&event=x.y", "event"),
        ("object=1", "object"),
        ("user=clerk@acme.example", "user"),
        ("hash=0", "hash"),
        ("data__why=asked", "data__why"),
        ("ordering=event", "ordering"),
        ("page_size=101", "page_size"),
        ("cursor=bm90aGluZw", "cursor"),
    ],
)
def test_what_is_no_filter_is_refused(acme, query, parameter):
    refused = acme.owner.get(f"audit-events?{query}")
    assert refused.status_code == 400
    assert {error["parameter"] for error in refused.json()["errors"]} == {parameter}


@pytest.mark.practice("AUTHZ-05")
def test_who_may_not_read_the_trail_reads_nothing(acme):
    [entry] = everything(acme.owner, "&event=organization.created")
    for member in (acme.clerk, acme.viewer, acme.owner.with_scopes("customers:read")):
        assert member.get("audit-events").status_code == 403
        assert member.get(f"audit-events/{entry['id']}").status_code == 403


@pytest.mark.practice("LOG-04")
def test_nobody_writes_to_the_trail(acme):
    [entry] = everything(acme.owner, "&event=organization.created")
    for method, path in (
        ("POST", "audit-events"),
        ("PATCH", f"audit-events/{entry['id']}"),
        ("DELETE", f"audit-events/{entry['id']}"),
    ):
        refused = acme.owner.call(method, path)
        assert refused.status_code == 405
        assert refused["Allow"] == "GET, HEAD"
    assert everything(acme.owner, "&event=organization.created") == [entry]


@pytest.mark.practice("AUTHZ-02")
def test_another_tenants_entry_is_the_same_404_as_one_that_never_was(acme, globex):
    [theirs] = everything(globex.owner, "&event=organization.created")
    one = acme.owner.get(f"audit-events/{theirs['id']}")
    other = acme.owner.get(f"audit-events/{NOBODY}")
    assert one.status_code == other.status_code == 404
    assert one.json() | {"instance": ""} == other.json() | {"instance": ""}
    mine = {row["id"] for row in everything(acme.owner)}
    assert mine.isdisjoint(row["id"] for row in everything(globex.owner))
