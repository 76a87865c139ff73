"""One request, followed through the corridor from the first door to the last."""

import json

import pytest

from saas import view
from saas.audit import trail
from saas.edge import gate

pytestmark = pytest.mark.core

STAGES = {
    "edge": (view, "admit"),
    "authentication": (view, "identify"),
    "tenancy": (view, "entered"),
    "throttling": (view.limits, "count"),
    "authorization": (view, "permit"),
    "validation": (view, "judge"),
    "persistence": (view.idempotency, "reserve"),
    "audit": (trail, "record"),
    "disclosure": (view, "disclose"),
    "the chain": (trail.chain, "append"),
}
DRAFT = {
    "currency": "EUR",
    "lines": [{"description": "Work", "quantity": "2", "unit_price": "49.50", "tax_rate": "19.00"}],
}


@pytest.fixture
def footsteps(monkeypatch):
    """The stages that a request enters, in the order of entering."""
    walked = []

    def listen(module, name, stage):
        real = getattr(module, name)

        def heard(*args, **kwargs):
            walked.append(stage)
            return real(*args, **kwargs)

        monkeypatch.setattr(module, name, heard)

    listen(gate, "refuse_clear_text", "the gate")
    for stage, (module, name) in STAGES.items():
        listen(module, name, stage)
    return walked


@pytest.mark.practice("AUTHZ-01")
def test_a_request_walks_the_stages_in_the_order_of_the_path(acme, footsteps):
    customer = acme.owner.post("customers", {"name": "Initech", "country": "DE"}).json()["id"]
    footsteps.clear()
    made = acme.owner.post(
        "invoices", {"customer": customer, **DRAFT}, Idempotency_Key="one-journey-of-an-invoice"
    )
    assert made.status_code == 201, made.content
    firsts = list(dict.fromkeys(footsteps))
    assert firsts == ["the gate", *STAGES]


@pytest.mark.parametrize(
    ("breaking", "status", "last"),
    [
        ({"X-API-Key": "sr_live_nonsense"}, 401, "authentication"),
        ({"Content-Type": "text/plain"}, 415, "edge"),
        ({"Idempotency-Key": "short"}, 400, "validation"),
    ],
)
def test_a_refusal_ends_the_walk_where_it_happens(acme, footsteps, breaking, status, last):
    headers = {"Idempotency-Key": "one-journey-of-an-invoice", **breaking}
    answer = acme.owner.call(
        "POST", "invoices", DRAFT | {"customer": acme.owner.user.pk.hex}, **headers
    )
    if last == "validation":
        answer = acme.owner.call("POST", "invoices", DRAFT, **headers)
    assert answer.status_code == status
    assert list(dict.fromkeys(footsteps))[-1] == last


@pytest.mark.practice("LOG-01")
def test_the_journey_ends_in_one_line_that_names_everything_and_quotes_nothing(acme, caplog):
    caplog.set_level("INFO", "saas.access")
    secret_text = "a text that nobody should find in a log"
    made = acme.owner.post("customers", {"name": secret_text, "country": "DE"})
    lines = [record.getMessage() for record in caplog.records if record.name == "saas.access"]
    assert len(lines) == 1
    line = json.loads(lines[0])
    assert line["operation_id"] == "customers.create"
    assert (line["status"], line["method"], line["route"]) == (201, "POST", "api/v1/customers")
    assert line["org"] == str(acme.id)
    assert line["user_id"] == str(acme.owner.user.pk)
    assert line["request_id"] == made["X-Request-Id"]
    assert secret_text not in lines[0]
    assert acme.owner.secret not in lines[0]


def test_every_page_of_a_list_is_reached_through_its_own_links(acme):
    for number in range(5):
        acme.owner.post("customers", {"name": f"Customer {number}", "country": "DE"})
    first = acme.owner.get("customers?page_size=2").json()
    second = acme.owner.get(first["next"]).json()
    assert [row["name"] for row in first["results"]] == ["Customer 4", "Customer 3"]
    assert [row["name"] for row in second["results"]] == ["Customer 2", "Customer 1"]
