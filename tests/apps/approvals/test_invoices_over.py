"""An invoice over the organization's limit is issued by two persons."""

from uuid import uuid4

import pytest

from tests.apps.invoices.drafts import drafted, new_customer, patch
from tests.cast import Tenant
from tests.oauth import service

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHZ-09")]

LIMITS = {"EUR": "500.00"}


@pytest.fixture
def careful(acme) -> Tenant:
    """Acme, where one person claims at most 500 euros."""
    changed = acme.owner.patch("security-policy", {"approve_invoices_over": LIMITS})
    assert changed.json()["approve_invoices_over"] == LIMITS
    return acme


@pytest.fixture
def customer(acme):
    return new_customer(acme)


def large(tenant, customer, price="1000", **more):
    line = {"description": "Work", "quantity": "1", "unit_price": price, "tax_rate": "0"}
    return drafted(tenant.accountant, customer, lines=[line], **more)


def issue(member, invoice, key=None, **asked):
    return member.post(
        f"invoices/{invoice['id']}/issuance", asked, Idempotency_Key=key or str(uuid4())
    )


def decide(member, approval, decision="approve"):
    return member.post(f"approvals/{approval['id']}/decision", {"decision": decision})


def test_it_gets_its_number_when_a_second_person_agrees(careful, customer):
    small, big = large(careful, customer, "500"), large(careful, customer, "500.01")
    asked = issue(careful.accountant, big, due_on="2099-01-01")
    assert asked.status_code == 202
    waits = asked.json()
    assert waits["wanted"] == {
        "total": "500.01",
        "currency": "EUR",
        "issued_on": None,
        "due_on": "2099-01-01",
    }
    read = careful.accountant.get(f"invoices/{big['id']}").json()
    assert (read["status"], read["number"]) == ("draft", None)
    first = issue(careful.accountant, small)
    assert first.status_code == 201
    assert decide(careful.accountant, waits).status_code == 403
    assert decide(careful.clerk, waits).status_code == 403
    assert decide(careful.admin, waits).status_code == 201
    issued = careful.accountant.get(f"invoices/{big['id']}").json()
    assert (issued["status"], issued["due_on"]) == ("issued", "2099-01-01")
    numbers = [int(one["number"].rpartition("-")[2]) for one in (first.json(), issued)]
    assert numbers == [1, 2]


def test_a_repeat_is_answered_with_the_same_approval(careful, customer):
    big = large(careful, customer)
    one, two = (issue(careful.accountant, big, "a-key-that-is-sent-twice") for _ in range(2))
    assert one.status_code == two.status_code == 202
    assert one.json() == two.json()
    assert two["Idempotency-Replayed"] == "true"
    assert issue(careful.accountant, big).status_code == 409
    assert len(careful.owner.get("approvals").json()["results"]) == 1


def test_a_draft_that_was_written_on_is_not_what_was_agreed_to(careful, customer):
    big = large(careful, customer)
    waits = issue(careful.accountant, big).json()
    line = {"description": "Work", "quantity": "1", "unit_price": "9000", "tax_rate": "0"}
    assert patch(careful.accountant, big, {"lines": [line]}).status_code == 200
    assert decide(careful.admin, waits).status_code == 409
    assert careful.owner.get(f"invoices/{big['id']}").json()["status"] == "draft"


def test_who_may_issue_no_more_by_then_has_issued_nothing(careful, customer):
    big = large(careful, customer)
    waits = issue(careful.accountant, big).json()
    members = careful.owner.get("members").json()["results"]
    mine = next(row["id"] for row in members if row["role"] == "accountant")
    assert careful.owner.patch(f"members/{mine}", {"role": "clerk"}).status_code == 200
    assert decide(careful.admin, waits).status_code == 409
    assert careful.owner.get(f"invoices/{big['id']}").json()["status"] == "draft"


def test_a_currency_without_a_limit_is_no_way_around_it(careful, customer):
    assert issue(careful.accountant, large(careful, customer, currency="USD")).status_code == 202


def test_a_draft_of_a_colleague_is_no_way_around_it(careful, customer):
    assert issue(careful.admin, large(careful, customer)).status_code == 202


def test_who_may_issue_decides_and_a_service_neither_asks_nor_decides(careful, customer):
    big = large(careful, customer)
    machine = service(careful)
    refused = machine.call(
        "POST", f"invoices/{big['id']}/issuance", {}, **{"Idempotency-Key": str(uuid4())}
    )
    assert refused.status_code == 403
    waits = issue(careful.admin, big).json()
    path = f"approvals/{waits['id']}/decision"
    assert machine.call("POST", path, {"decision": "approve"}).status_code == 403
    only_issues = careful.accountant.with_scopes("invoices:issue")
    assert decide(only_issues, waits).status_code == 201


@pytest.mark.parametrize("looser", [None, {"EUR": "500.01"}, {"EUR": "500.00", "USD": "1"}])
def test_to_loosen_the_limit_waits_too(careful, looser):
    asked = careful.owner.patch("security-policy", {"approve_invoices_over": looser})
    assert asked.status_code == 202
    assert careful.owner.get("security-policy").json()["approve_invoices_over"] == LIMITS
    assert decide(careful.admin, asked.json()).status_code == 201
    assert careful.owner.get("security-policy").json()["approve_invoices_over"] == looser


def test_to_tighten_it_does_not(careful):
    for tighter in ({"EUR": "500.00"}, {"EUR": "20"}, {}):
        changed = careful.owner.patch("security-policy", {"approve_invoices_over": tighter})
        assert changed.status_code == 200, tighter


@pytest.mark.parametrize(
    "wrong",
    [[], "500", {"XXX": "1"}, {"EUR": 1}, {"EUR": "-1"}, {"EUR": "1.001"}, {"EUR": "NaN"}],
)
def test_what_is_no_limit_is_refused(acme, wrong):
    refused = acme.owner.patch("security-policy", {"approve_invoices_over": wrong})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "/approve_invoices_over"


def test_until_there_is_a_limit_any_amount_is_issued(acme, customer):
    assert issue(acme.accountant, large(acme, customer, "1000000")).status_code == 201
