"""Money comes in, at most what is due, and what was written down stays written down."""

import pytest

from saas.audit.models import AuditEntry
from saas.tenancy.binding import bind
from tests.apps.invoices.drafts import NOBODYS, drafted, new_customer, pointers, tag_of
from tests.apps.invoices.issued import act, cancel, issued, made, now, pay, reverse, standing
from tests.cast import KEY

pytestmark = [pytest.mark.core, pytest.mark.practice("X-19")]


@pytest.fixture
def invoice(acme, customer):
    """An invoice over 117.81 euros."""
    return issued(acme.owner, customer)


def refused(answer, code="conflict", status=409):
    """A refusal by its status and code."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content


def test_payments_lower_what_is_due_until_the_invoice_is_paid(acme, invoice):
    tag = tag_of(acme.owner, invoice)
    answer = pay(acme.accountant, invoice, "17.81", method="card", reference="R 1")
    payment = made(answer)
    assert payment == {
        "id": payment["id"],
        "invoice": invoice["id"],
        "amount": "17.81",
        "currency": "EUR",
        "received_on": payment["received_on"],
        "method": "card",
        "reference": "R 1",
        "created_at": payment["created_at"],
        "reversed_at": None,
    }
    assert acme.owner.get(answer["Location"]).json() == payment
    assert standing(acme.owner, invoice) == ("issued", "17.81", "100.00")
    assert tag_of(acme.owner, invoice) != tag
    made(pay(acme.owner, invoice, "100.00", received_on="2030-01-31"))
    assert standing(acme.owner, invoice) == ("paid", "117.81", "0.00")
    listed = acme.viewer.get(f"invoices/{invoice['id']}/payments").json()["results"]
    assert [(p["amount"], p["received_on"]) for p in listed] == [
        ("100.00", "2030-01-31"),
        ("17.81", payment["received_on"]),
    ]


@pytest.mark.parametrize("amount", ["117.82", "100000000000"])
def test_more_than_is_due_is_refused(acme, invoice, amount):
    refused(pay(acme.owner, invoice, amount), "overpayment")
    assert standing(acme.owner, invoice) == ("issued", "0.00", "117.81")
    made(pay(acme.owner, invoice, "117.81"))
    refused(pay(acme.owner, invoice, "0.01"), "overpayment")


@pytest.mark.parametrize(
    "amount", ["0", "-1.00", "1.001", "1e2", "", 1, 1.5, None, "100000000000000"]
)
def test_what_is_no_amount_of_money_is_no_payment(acme, invoice, amount):
    answer = act(acme.owner, f"{invoice['id']}/payments", {"amount": amount})
    assert list(pointers(answer)) == ["/amount"]
    assert standing(acme.owner, invoice) == ("issued", "0.00", "117.81")


def test_a_draft_and_a_void_invoice_take_no_payment(acme, customer, invoice):
    refused(pay(acme.owner, drafted(acme.owner, customer), "1.00"))
    made(cancel(acme.owner, invoice))
    refused(pay(acme.owner, invoice, "1.00"))


def test_a_reversed_payment_is_due_again_and_is_reversed_once(acme, invoice):
    payment = made(pay(acme.owner, invoice, "117.81"))
    answer = reverse(acme.owner, invoice, payment)
    assert made(answer).items() >= {"id": payment["id"], "amount": "117.81"}.items()
    assert answer.json()["reversed_at"]
    assert acme.owner.get(answer["Location"]).json() == answer.json()
    assert standing(acme.owner, invoice) == ("issued", "0.00", "117.81")
    refused(reverse(acme.owner, invoice, payment))
    assert standing(acme.owner, invoice) == ("issued", "0.00", "117.81")
    made(pay(acme.owner, invoice, "117.81"))
    assert now(acme.owner, invoice)["status"] == "paid"


def test_a_payment_is_found_below_its_own_invoice_only(acme, globex, customer, invoice):
    payment = made(pay(acme.owner, invoice, "1.00"))
    other = issued(acme.owner, customer)
    theirs = issued(globex.owner, new_customer(globex))
    for member, wrong in ((acme.owner, other), (globex.owner, theirs), (globex.owner, invoice)):
        refused(reverse(member, wrong, payment), "not-found", 404)
        path = f"invoices/{wrong['id']}/payments/{payment['id']}"
        refused(member.get(path), "not-found", 404)
    refused(globex.owner.get(f"invoices/{invoice['id']}/payments"), "not-found", 404)
    refused(acme.owner.get(f"invoices/{NOBODYS}/payments"), "not-found", 404)
    refused(pay(globex.owner, invoice, "1.00"), "not-found", 404)
    assert standing(acme.owner, invoice) == ("issued", "1.00", "116.81")


@pytest.mark.practice("X-01")
def test_a_repeat_of_each_act_is_answered_from_its_own_row(acme, customer, invoice):
    path = f"{invoice['id']}/payments"
    first = act(acme.owner, path, {"amount": "10.00"}, KEY)
    made(pay(acme.owner, invoice, "20.00"))
    again = act(acme.owner, path, {"amount": "10.00"}, KEY)
    assert (again.json(), again["Idempotency-Replayed"]) == (first.json(), "true")
    assert again["Location"] == first["Location"]
    refused(act(acme.owner, path, {"amount": "10.01"}, KEY), "idempotency-mismatch", 422)
    other = issued(acme.owner, customer)
    elsewhere = act(acme.owner, f"{other['id']}/payments", {"amount": "10.00"}, KEY)
    refused(elsewhere, "idempotency-mismatch", 422)
    undo = f"{path}/{first.json()['id']}/reversal"
    reversed_ = act(acme.owner, undo, None, KEY)
    assert act(acme.owner, undo, None, KEY).json() == made(reversed_)
    assert standing(acme.owner, invoice) == ("issued", "20.00", "97.81")
    with bind(acme.id):
        events = AuditEntry.objects.filter(object_id=first.json()["id"]).order_by("seq")
        assert [e.event for e in events] == ["payment.recorded", "payment.reversed"]
