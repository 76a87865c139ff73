"""A draft is issued: it gets a number, its parties as they are, and never changes again."""

from datetime import UTC, datetime

import pytest
import time_machine

from apps.invoices.models import Invoice
from apps.organizations.models import Organization
from saas.audit.models import AuditEntry
from saas.tenancy.binding import bind
from tests.apps.invoices.drafts import (
    NOBODYS,
    drafted,
    new_customer,
    patch,
    pointers,
    rows_of,
    tag_of,
)
from tests.apps.invoices.issued import act, issue, issued, made
from tests.cast import KEY

pytestmark = [pytest.mark.core, pytest.mark.practice("X-19")]


def refused(answer, code="conflict", status=409):
    """A refusal by its status and code."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content


def test_an_issued_invoice_has_a_number_two_days_and_its_draft_s_amounts(acme, customer):
    draft = drafted(acme.clerk, customer)
    answer = act(acme.accountant, f"{draft['id']}/issuance", {"issued_on": "2030-01-31"})
    invoice = made(answer)
    changed = {"number", "status", "issued_on", "due_on", "updated_at", "internal_note"}
    assert {k: v for k, v in invoice.items() if k not in changed} == {
        k: v for k, v in draft.items() if k not in changed
    }
    assert (invoice["number"], invoice["status"]) == ("2030-000001", "issued")
    assert (invoice["issued_on"], invoice["due_on"]) == ("2030-01-31", "2030-03-02")
    assert answer["Location"].endswith(f"/api/v1/invoices/{draft['id']}")
    assert answer["ETag"] == tag_of(acme.accountant, draft)
    assert acme.accountant.get(answer["Location"]).json() == invoice


def test_numbers_count_from_one_for_each_organization_and_year(acme, globex, customer):
    numbers = [
        issued_in(acme, customer, "2030-12-31"),
        issued_in(acme, customer, "2031-01-01"),
        issued_in(acme, customer, "2030-01-01"),
        issued_in(globex, new_customer(globex), "2030-05-05"),
    ]
    assert numbers == ["2030-000001", "2031-000001", "2030-000002", "2030-000001"]


def issued_in(tenant, customer, day):
    """The number of a new invoice that is issued on `day`."""
    return issue(tenant.owner, drafted(tenant.owner, customer), issued_on=day)["number"]


def test_today_is_where_the_organization_keeps_its_books(acme, customer):
    draft = drafted(acme.owner, customer)
    with bind(acme.id):
        Organization.objects.filter(pk=acme.id).update(time_zone="Pacific/Auckland")
    with time_machine.travel(datetime(2026, 12, 31, 20, tzinfo=UTC)):
        invoice = issue(acme.owner, draft)
    assert (invoice["issued_on"], invoice["number"]) == ("2027-01-01", "2027-000001")


@pytest.mark.parametrize(
    ("own", "asked", "due"),
    [
        (None, {}, "2030-03-02"),
        ("2030-02-10", {}, "2030-02-10"),
        ("2030-02-10", {"due_on": "2030-01-31"}, "2030-01-31"),
    ],
)
def test_it_is_due_when_it_says_or_its_draft_said_or_a_month_later(acme, customer, own, asked, due):
    draft = drafted(acme.owner, customer, due_on=own)
    assert issue(acme.owner, draft, issued_on="2030-01-31", **asked)["due_on"] == due


@pytest.mark.parametrize("own", [None, "2030-01-30"])
def test_it_is_not_due_before_it_is_issued(acme, customer, own):
    draft = drafted(acme.owner, customer, due_on=own)
    asked = {"issued_on": "2030-01-31"} | ({} if own else {"due_on": "2030-01-30"})
    before = rows_of(acme)
    answer = act(acme.owner, f"{draft['id']}/issuance", asked)
    assert pointers(answer) == {"/due_on": "min"}
    assert rows_of(acme) == before


def test_what_is_issued_is_neither_issued_again_nor_changed_nor_deleted(acme, customer):
    invoice = issued(acme.owner, customer)
    before = rows_of(acme)
    refused(act(acme.owner, f"{invoice['id']}/issuance"))
    refused(patch(acme.owner, invoice, {"note": "since then"}))
    refused(acme.owner.delete(f"invoices/{invoice['id']}"))
    assert rows_of(acme) == before
    assert issued(acme.owner, customer)["number"].endswith("-000002")


def test_what_has_nothing_due_is_paid_from_the_start(acme, customer):
    assert issued(acme.owner, customer, prepaid="117.81")["status"] == "paid"


def test_buyer_and_seller_stay_as_they_were(acme, customer):
    draft = drafted(acme.owner, customer)
    rename(acme, customer, "Initech AG", "Acme")
    issue(acme.owner, draft)
    rename(acme, customer, "Initrode", "Acme Holding")
    with bind(acme.id):
        invoice = Invoice.objects.get()
        assert (invoice.buyer["name"], invoice.seller["name"]) == ("Initech AG", "Acme")
        assert invoice.buyer_tax_id == "DE123456789"


def rename(tenant, customer, buyer, seller):
    """Another name for both parties."""
    tag = tenant.owner.get(f"customers/{customer}")["ETag"]
    answer = tenant.owner.patch(f"customers/{customer}", {"name": buyer}, If_Match=tag)
    assert answer.status_code == 200
    assert tenant.owner.patch("organization", {"name": seller}).status_code == 200


def test_the_trail_says_who_issued_it(acme, customer):
    invoice = issued(acme.accountant, customer)
    with bind(acme.id):
        [entry] = AuditEntry.objects.filter(event="invoice.issued")
    assert (str(entry.object_id), entry.user_id) == (invoice["id"], acme.accountant.user.pk)
    assert entry.data == {"number": invoice["number"]}


def test_a_repeat_is_answered_from_the_invoice(acme, customer):
    draft = drafted(acme.owner, customer)
    first = act(acme.owner, f"{draft['id']}/issuance", {}, KEY)
    again = act(acme.owner, f"{draft['id']}/issuance", {}, KEY)
    assert again["Idempotency-Replayed"] == "true"
    assert (again.json(), again["Location"]) == (first.json(), first["Location"])
    other = drafted(acme.owner, customer)
    refused(act(acme.owner, f"{other['id']}/issuance", {}, KEY), "idempotency-mismatch", 422)


def test_without_a_key_or_a_row_nothing_is_issued(acme, customer):
    draft = drafted(acme.owner, customer)
    answer = acme.owner.post(f"invoices/{draft['id']}/issuance")
    assert [error["parameter"] for error in answer.json()["errors"]] == ["Idempotency-Key"]
    refused(act(acme.owner, f"{NOBODYS}/issuance"), "not-found", 404)
    refused(act(acme.clerk, f"{draft['id']}/issuance"), "permission-denied", 403)
    assert {row["status"] for row in rows_of(acme)} == {"draft"}
