"""A draft over HTTP: made, read, changed and thrown away."""

from uuid import UUID

import pytest
from django.conf import settings

from apps.invoices.models import Invoice, InvoiceLine
from saas.audit.models import AuditEntry
from saas.tenancy.binding import bind
from tests.apps.invoices.drafts import (
    BUYER,
    EVERYBODY,
    LINE,
    NOBODYS,
    OF_A_LINE,
    body,
    drafted,
    issue,
    new_customer,
    patch,
    pointers,
    post,
    rows_of,
    tag_of,
)

pytestmark = [pytest.mark.core]

WHOLE_LINE = {
    **LINE,
    "unit": "HUR",
    "tax_category": "L",
    "exemption_reason": "None",
    "base_quantity": "4.0",
    "allowances": [{"amount": "1.5", "reason": "Damage"}],
    "charges": [{"amount": "2.50", "reason": "Post"}],
}
OPTIONAL = {
    "due_on": "2026-12-31",
    "delivered_on": "2026-11-30",
    "buyer_reference": "PO 7",
    "note": "Thank you.\nSee you soon.",
    "allowances": [{"amount": "1", "reason": "Loyal", "tax_rate": "19", "tax_category": "S"}],
    "charges": [{"amount": "2.00", "reason": "Post", "tax_rate": "0"}],
    "prepaid": "10",
    "rounding": "-0.01",
}


def events_of(tenant, invoice):
    """What the trail says of one invoice, oldest first."""
    with bind(tenant.id):
        rows = AuditEntry.objects.filter(object_id=invoice["id"]).order_by("seq")
        return [(row.event, row.data) for row in rows]


def test_a_clerk_drafts_an_invoice_and_everybody_reads_the_same(acme, customer):
    made = post(acme.clerk, body(customer))
    assert made.status_code == 201
    draft = made.json()
    assert draft.keys() == EVERYBODY
    assert [line.keys() for line in draft["lines"]] == [OF_A_LINE]
    assert draft["lines"][0] | {"id": ""} == {**LINE, "id": "", "amount": "99.00"}
    assert (draft["status"], draft["number"], draft["customer"]) == ("draft", None, customer)
    assert (draft["subtotal"], draft["tax_total"], draft["total"]) == ("99.00", "18.81", "117.81")
    assert (draft["amount_paid"], draft["amount_due"]) == ("0.00", "117.81")
    assert (draft["issued_on"], draft["due_on"], draft["note"]) == (None, None, None)
    assert made["Location"] == f"{settings.SAAS_ORIGIN}/api/v1/invoices/{draft['id']}"
    read = acme.viewer.get(f"invoices/{draft['id']}")
    assert read.status_code == 200
    assert read.json() == draft
    assert read["ETag"] == made["ETag"]
    assert events_of(acme, draft) == [("invoice.drafted", {})]


def test_what_was_given_of_the_optional_comes_back_and_nothing_else(acme, customer):
    draft = drafted(acme.clerk, customer, lines=[WHOLE_LINE, LINE], **OPTIONAL)
    assert draft.keys() == EVERYBODY | OPTIONAL.keys()
    whole, plain = draft["lines"]
    assert whole.keys() == OF_A_LINE | WHOLE_LINE.keys()
    assert plain.keys() == OF_A_LINE
    assert whole["base_quantity"] == "4"
    assert whole["amount"] == "25.75"
    assert whole["allowances"] == [{"amount": "1.50", "reason": "Damage"}]
    assert draft["allowances"] == [
        {"amount": "1.00", "reason": "Loyal", "tax_rate": "19.00", "tax_category": "S"}
    ]
    assert draft["charges"] == [{"amount": "2.00", "reason": "Post", "tax_rate": "0.00"}]
    assert (draft["prepaid"], draft["rounding"]) == ("10.00", "-0.01")
    assert acme.viewer.get(f"invoices/{draft['id']}").json() == draft


def test_a_price_may_be_finer_than_its_currency_and_a_quantity_is_plain(acme, customer):
    line = {**LINE, "quantity": "1.500000", "unit_price": "0.123400"}
    [shown] = drafted(acme.clerk, customer, lines=[line])["lines"]
    assert (shown["quantity"], shown["unit_price"]) == ("1.5", "0.1234")
    [shown] = drafted(acme.clerk, customer, lines=[{**LINE, "unit_price": "7"}])["lines"]
    assert (shown["quantity"], shown["unit_price"]) == ("2", "7.00")


@pytest.mark.practice("AUTHZ-03")
def test_another_tenants_customer_is_refused_as_one_that_never_was(acme, globex, customer):
    before = rows_of(globex)
    theirs = post(globex.owner, body(customer))
    nobodys = post(globex.owner, body(NOBODYS))
    assert theirs.status_code == nobodys.status_code == 400
    assert pointers(theirs) == {"/customer": "not-found"}
    assert without_instance(theirs) == without_instance(nobodys)
    draft = drafted(globex.owner, new_customer(globex))
    theirs = patch(globex.owner, draft, {"customer": customer})
    nobodys = patch(globex.owner, draft, {"customer": NOBODYS})
    assert pointers(theirs) == {"/customer": "not-found"}
    assert without_instance(theirs) == without_instance(nobodys)
    assert [row["customer_id"] for row in rows_of(globex)[len(before) :]] == [
        UUID(draft["customer"])
    ]


def without_instance(answer):
    """The bytes of a problem but for the id of its request."""
    return answer.content.replace(answer["X-Request-Id"].encode(), b"")


@pytest.mark.practice("AUTHZ-03")
def test_another_tenants_invoice_is_the_same_404_as_one_that_never_was(acme, globex, customer):
    draft = drafted(acme.owner, customer, internal_note="ours")
    for method, changes in (("GET", None), ("PATCH", {"note": "x"}), ("DELETE", None)):
        theirs = globex.owner.call(method, f"invoices/{draft['id']}", changes, If_Match='"1-0"')
        nobodys = globex.owner.call(method, f"invoices/{NOBODYS}", changes, If_Match='"1-0"')
        assert theirs.status_code == nobodys.status_code == 404
        assert without_instance(theirs) == without_instance(nobodys)
    assert acme.owner.get(f"invoices/{draft['id']}").json() == draft


def test_the_buyer_is_kept_as_they_were_and_sealed_where_it_hurts(acme, customer):
    draft = drafted(acme.clerk, customer)
    acme.owner.patch(
        f"customers/{customer}",
        {"name": "Initrode", "email": "new@initech.example"},
        If_Match=acme.owner.get(f"customers/{customer}")["ETag"],
    )
    with bind(acme.id):
        kept = Invoice.objects.get(pk=draft["id"])
        assert kept.buyer["name"] == BUYER["name"]
        assert kept.buyer["address"]["city"] == "Köln"
        assert (kept.buyer_email, kept.buyer_tax_id) == (BUYER["email"], BUYER["tax_id"])
        for column in ("buyer_email", "buyer_tax_id"):
            assert kept.__dict__[column].token.startswith("v1.")
    patch(acme.clerk, draft, {"customer": customer})
    with bind(acme.id):
        assert Invoice.objects.get(pk=draft["id"]).buyer["name"] == "Initrode"


@pytest.mark.practice("X-02")
def test_a_change_wants_the_etag_of_what_was_read(acme, customer):
    draft = drafted(acme.clerk, customer)
    url, tag = f"invoices/{draft['id']}", tag_of(acme.clerk, draft)
    before = rows_of(acme)
    assert acme.clerk.patch(url, {"note": "x"}).status_code == 428
    for stale in ('"0-00000000"', f"W/{tag}", "*", tag.strip('"')):
        assert acme.clerk.patch(url, {"note": "x"}, If_Match=stale).status_code == 412
    assert rows_of(acme) == before
    changed = acme.clerk.patch(url, {"note": "first"}, If_Match=tag)
    assert changed.status_code == 200
    assert changed["ETag"] not in ("", tag)
    assert changed["ETag"] == tag_of(acme.clerk, draft)
    assert acme.clerk.patch(url, {"note": "second"}, If_Match=tag).status_code == 412
    assert acme.clerk.get(url).json()["note"] == "first"


@pytest.mark.practice("X-02")
def test_who_sees_other_fields_has_another_etag(acme, customer):
    draft = drafted(acme.owner, customer)
    assert tag_of(acme.clerk, draft) != tag_of(acme.owner, draft)
    answer = acme.owner.patch(
        f"invoices/{draft['id']}", {"note": "x"}, If_Match=tag_of(acme.viewer, draft)
    )
    assert answer.status_code == 412


def test_new_lines_take_the_place_of_all_the_old_ones(acme, customer):
    draft = drafted(acme.clerk, customer, lines=[LINE, {**LINE, "description": "More"}])
    answer = patch(acme.clerk, draft, {"lines": [{**LINE, "quantity": "3"}]})
    assert answer.status_code == 200
    changed = answer.json()
    assert [line["quantity"] for line in changed["lines"]] == ["3"]
    assert not {line["id"] for line in changed["lines"]} & {line["id"] for line in draft["lines"]}
    assert changed["total"] == "176.72"  # 148.50 and 28.215
    assert acme.clerk.get(f"invoices/{draft['id']}").json() == changed
    with bind(acme.id):
        assert InvoiceLine.objects.filter(invoice_id=draft["id"]).count() == 1
    assert events_of(acme, draft)[1:] == [("invoice.changed", {"fields": ["lines"]})]


def test_without_new_lines_the_old_ones_stay_and_the_totals_follow(acme, customer):
    draft = drafted(acme.clerk, customer)
    changes = {"allowances": [{"amount": "9.00", "reason": "Loyal", "tax_rate": "19"}]}
    changed = patch(acme.clerk, draft, {**changes, "prepaid": "7.10", "note": "secret"}).json()
    assert changed["lines"] == draft["lines"]
    assert (changed["subtotal"], changed["total"]) == ("90.00", "107.10")
    assert changed["amount_due"] == "100.00"
    fields = ["allowances", "note", "prepaid"]
    assert events_of(acme, draft)[1:] == [("invoice.changed", {"fields": fields})]
    cleared = patch(acme.clerk, draft, {"allowances": [], "prepaid": None, "note": None}).json()
    assert cleared.keys() == EVERYBODY
    assert cleared["total"] == draft["total"]


@pytest.mark.practice("X-19")
def test_the_currency_is_fixed_by_what_was_written_in_it(acme, customer):
    draft = drafted(acme.clerk, customer, prepaid="10.00")
    before = rows_of(acme)
    for changes in ({"currency": "JPY"}, {"currency": "JPY", "lines": [LINE]}):
        answer = patch(acme.clerk, draft, changes)
        assert answer.status_code == 409
        assert answer.json()["code"] == "conflict"
    assert rows_of(acme) == before
    assert patch(acme.clerk, draft, {"currency": "EUR"}).status_code == 200
    changed = patch(acme.clerk, draft, {"currency": "JPY", "lines": [LINE], "prepaid": "10"})
    assert changed.status_code == 200
    assert (changed.json()["total"], changed.json()["prepaid"]) == ("118", "10")


@pytest.mark.practice("X-19")
@pytest.mark.parametrize("status", ["issued", "paid", "void"])
def test_only_a_draft_changes_or_goes(acme, customer, status):
    draft = drafted(acme.owner, customer)
    issue(acme, draft, status)
    before = rows_of(acme)
    changed = patch(acme.owner, draft, {"note": "x"})
    deleted = acme.owner.delete(f"invoices/{draft['id']}")
    assert changed.status_code == deleted.status_code == 409
    assert changed.json()["code"] == deleted.json()["code"] == "conflict"
    for answer in (changed, deleted):  # the service says why; the triggers behind it could not
        assert answer.json()["detail"] == f"This invoice is {status}; only a draft may change."
    assert rows_of(acme) == before
    assert [event for event, _ in events_of(acme, draft)] == ["invoice.drafted"]


def test_a_draft_goes_with_its_lines_and_without_an_etag(acme, customer):
    draft = drafted(acme.clerk, customer)
    answer = acme.clerk.delete(f"invoices/{draft['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert acme.clerk.get(f"invoices/{draft['id']}").status_code == 404
    with bind(acme.id):
        assert not InvoiceLine.objects.exists()
    assert events_of(acme, draft) == [("invoice.drafted", {}), ("invoice.deleted", {})]


def test_a_customer_whom_a_draft_names_stays(acme, customer):
    draft = drafted(acme.clerk, customer)
    assert acme.owner.delete(f"customers/{customer}").status_code == 409
    acme.clerk.delete(f"invoices/{draft['id']}")
    assert acme.owner.delete(f"customers/{customer}").status_code == 204
