"""What was issued is taken back by a credit note, line by line or whole, and never twice."""

import pytest

from apps.invoices.models import CreditNote
from saas.audit.models import AuditEntry
from saas.tenancy.binding import bind
from tests.apps.invoices.drafts import LINE, NOBODYS, drafted, new_customer, pointers
from tests.apps.invoices.issued import (
    act,
    cancel,
    credit,
    issued,
    made,
    now,
    pay,
    reverse,
    standing,
)
from tests.cast import KEY

pytestmark = [pytest.mark.core, pytest.mark.practice("X-19")]


@pytest.fixture
def invoice(acme, customer):
    """An invoice over 117.81 euros, two pieces of 49.50."""
    return issued(acme.owner, customer)


def refused(answer, code="conflict", status=409):
    """A refusal by its status and code."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content


def line_of(invoice, index=0):
    """The id of a line."""
    return invoice["lines"][index]["id"]


def test_a_credit_note_takes_back_a_part_and_lowers_what_is_due(acme, invoice):
    answer = credit(acme.accountant, invoice, (line_of(invoice), "1"))
    note = made(answer)
    year = note["issued_on"][:4]
    assert note == {
        "id": note["id"],
        "number": f"CN-{year}-000001",
        "invoice": invoice["id"],
        "currency": "EUR",
        "reason": "it came back",
        "lines": [
            {
                "invoice_line": line_of(invoice),
                "description": "Work",
                "quantity": "1",
                "unit_price": "49.50",
                "tax_rate": "19.00",
                "amount": "49.50",
            }
        ],
        "subtotal": "49.50",
        "tax_total": "9.41",
        "total": "58.91",
        "issued_on": note["issued_on"],
        "created_at": note["created_at"],
    }
    assert acme.viewer.get(answer["Location"]).json() == note
    assert standing(acme.owner, invoice) == ("issued", "0.00", "58.90")
    brief = {k: v for k, v in note.items() if k != "lines"}
    for path in ("credit-notes", f"invoices/{invoice['id']}/credit-notes"):
        assert acme.viewer.get(path).json()["results"] == [brief]


def test_credits_of_every_piece_sum_up_to_the_invoice_exactly(acme, invoice):
    first = made(credit(acme.owner, invoice, (line_of(invoice), "1")))
    rest = made(credit(acme.owner, invoice, (line_of(invoice), "1")))
    assert (first["total"], rest["total"]) == ("58.91", "58.90")
    assert rest["number"].endswith("-000002")
    assert standing(acme.owner, invoice) == ("void", "0.00", "0.00")
    refused(credit(acme.owner, invoice, (line_of(invoice), "1")))


@pytest.mark.parametrize("quantity", ["2.000001", "3", "-1"])
def test_no_more_of_a_line_is_taken_back_than_there_was(acme, invoice, quantity):
    refused(credit(acme.owner, invoice, (line_of(invoice), quantity)), "over-credit")
    made(credit(acme.owner, invoice, (line_of(invoice), "1.5")))
    refused(credit(acme.owner, invoice, (line_of(invoice), "0.500001")), "over-credit")
    assert standing(acme.owner, invoice)[0] == "issued"


def test_what_is_paid_is_not_taken_back(acme, invoice):
    payment = made(pay(acme.owner, invoice, "58.91"))
    refused(credit(acme.owner, invoice, (line_of(invoice), "1")), "over-credit")
    refused(cancel(acme.owner, invoice))
    made(reverse(acme.owner, invoice, payment))
    made(credit(acme.owner, invoice, (line_of(invoice), "1")))
    refused(pay(acme.owner, invoice, "58.91"), "overpayment")
    made(pay(acme.owner, invoice, "58.90"))
    assert standing(acme.owner, invoice) == ("paid", "58.90", "0.00")


def test_an_allowance_is_not_paid_out_by_taking_back_its_lines(acme, customer):
    allowance = [{"amount": "50.00", "reason": "loyal", "tax_rate": "19.00"}]
    free = {**LINE, "tax_rate": "0"}
    invoice = issued(acme.owner, customer, lines=[LINE, free], allowances=allowance)
    refused(credit(acme.owner, invoice, (line_of(invoice), "2")), "over-credit")
    made(credit(acme.owner, invoice, (line_of(invoice), "0.5"), (line_of(invoice, 1), "2")))
    note = made(cancel(acme.owner, invoice))
    assert (note["subtotal"], note["tax_total"], note["total"]) == ("24.25", "4.61", "28.86")
    assert note["allowances"] == allowance
    assert standing(acme.owner, invoice) == ("void", "0.00", "0.00")


def test_a_cancelled_invoice_is_void_and_its_credit_note_says_why(acme, invoice):
    answer = cancel(acme.accountant, invoice)
    note = made(answer)
    same = ("subtotal", "tax_total", "total", "currency")
    assert {name: note[name] for name in same} == {name: invoice[name] for name in same}
    assert (note["reason"], note["lines"][0]["quantity"]) == ("a mistake", "2")
    assert acme.owner.get(answer["Location"]).json() == note
    assert standing(acme.owner, invoice) == ("void", "0.00", "0.00")
    refused(cancel(acme.owner, invoice))
    refused(act(acme.owner, f"{invoice['id']}/issuance"))
    with bind(acme.id):
        events = AuditEntry.objects.filter(event__in=["invoice.cancelled", "credit-note.issued"])
        assert {str(e.object_id) for e in events} == {invoice["id"], note["id"]}


def test_an_invoice_without_anything_due_can_be_cancelled_too(acme, customer):
    prepaid = issued(acme.owner, customer, prepaid="117.81")
    assert made(cancel(acme.owner, prepaid))["total"] == "117.81"
    free = issued(acme.owner, customer, lines=[{**LINE, "unit_price": "0"}])
    assert made(act(acme.owner, f"{free['id']}/cancellation"))["reason"] is None
    assert {now(acme.owner, each)["status"] for each in (prepaid, free)} == {"void"}


def test_a_draft_is_not_taken_back(acme, customer):
    draft = drafted(acme.owner, customer)
    refused(credit(acme.owner, draft, (line_of(draft), "1")))
    refused(cancel(acme.owner, draft))


def test_a_credit_note_names_lines_of_its_own_invoice_once(acme, globex, customer, invoice):
    other, theirs = issued(acme.owner, customer), issued(globex.owner, new_customer(globex))
    for stranger in (line_of(other), line_of(theirs), NOBODYS):
        answer = credit(acme.owner, invoice, (line_of(invoice), "1"), (stranger, "1"))
        assert pointers(answer) == {"/lines/1/invoice_line": "not-found"}
    twice = credit(acme.owner, invoice, (line_of(invoice), "1"), (line_of(invoice), "1"))
    assert pointers(twice) == {"/lines/1/invoice_line": "repeated"}
    path = f"{invoice['id']}/credit-notes"
    assert pointers(act(acme.owner, path, {"reason": "x", "lines": []})) == {"/lines": "empty"}
    answer = credit(acme.owner, invoice, (line_of(invoice), "0"))
    assert pointers(answer) == {"/lines/0/quantity": "zero"}
    with bind(acme.id):
        assert not CreditNote.objects.exists()


def test_another_organization_finds_no_credit_note(acme, globex, invoice):
    note = made(cancel(acme.owner, invoice))
    refused(globex.owner.get(f"credit-notes/{note['id']}"), "not-found", 404)
    refused(globex.owner.get(f"invoices/{invoice['id']}/credit-notes"), "not-found", 404)
    refused(cancel(globex.owner, invoice), "not-found", 404)
    assert globex.owner.get("credit-notes").json()["results"] == []


@pytest.mark.practice("X-01")
def test_a_repeat_is_answered_from_the_credit_note(acme, invoice):
    body = {"reason": "x", "lines": [{"invoice_line": line_of(invoice), "quantity": "1"}]}
    for path, asked in (("credit-notes", body), ("cancellation", {})):
        first = act(acme.owner, f"{invoice['id']}/{path}", asked, KEY)
        again = act(acme.owner, f"{invoice['id']}/{path}", asked, KEY)
        assert (again.json(), again["Idempotency-Replayed"]) == (made(first), "true")
        assert again["Location"] == first["Location"]
    with bind(acme.id):
        assert CreditNote.objects.count() == 2
