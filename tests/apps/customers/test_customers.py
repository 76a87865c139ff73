"""Customers over HTTP: what each reader sees, and what nobody may send."""

import pytest

pytestmark = [pytest.mark.core]

WHOLE = {
    "name": "Initech GmbH",
    "country": "DE",
    "email": "billing@initech.example",
    "address": {"line1": "Hauptstr. 1", "city": "Köln", "country": "DE"},
    "tax_id": "DE123456789",
    "iban": "DE89370400440532013000",
    "internal_note": "pays late",
}
EVERYBODY = {"id", "name", "country", "created_at", "updated_at"}


def test_an_owner_creates_a_customer_and_reads_the_same(acme):
    made = acme.owner.post("customers", WHOLE)
    assert made.status_code == 201, made.content
    assert made.json().keys() == EVERYBODY | {
        "email",
        "address",
        "tax_id",
        "bank_account",
        "internal_note",
    }
    assert made.json()["bank_account"]["last4"] == "3000"
    read = acme.owner.get(f"customers/{made.json()['id']}")
    assert read.json() == made.json()
    assert made["Location"].endswith(f"/api/v1/customers/{made.json()['id']}")


def test_a_viewer_sees_exactly_the_public_fields(acme):
    made = acme.owner.post("customers", WHOLE).json()
    assert acme.viewer.get(f"customers/{made['id']}").json().keys() == EVERYBODY


def test_another_tenant_gets_the_same_404_as_for_a_customer_that_never_was(acme, globex):
    made = acme.owner.post("customers", WHOLE).json()
    theirs = globex.owner.get(f"customers/{made['id']}")
    nobodys = globex.owner.get("customers/00000000-0000-7000-8000-000000000000")
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.json() | {"instance": ""} == nobodys.json() | {"instance": ""}


def test_pages_follow_each_other_without_a_gap(acme):
    names = [
        acme.owner.post("customers", {"name": f"C{i}", "country": "DE"}).json()["name"]
        for i in range(7)
    ]
    for ordering, expected in (("name", names), ("-name", names[::-1]), ("-created_at", None)):
        seen, url = [], f"customers?page_size=3&ordering={ordering}"
        while url:
            page = acme.owner.get(url).json()
            seen += [row["name"] for row in page["results"]]
            last, url = page, page["next"]
        assert sorted(seen) == sorted(names)
        assert expected is None or seen == expected
        back = acme.owner.get(last["previous"]).json()
        assert [row["name"] for row in back["results"]] == seen[3:6]
