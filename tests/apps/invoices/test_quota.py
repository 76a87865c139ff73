"""A plan holds so many issued invoices a month: each counts once, and none beyond passes."""

from datetime import UTC, datetime

import pytest
from django.conf import settings as live
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.organizations.models import Organization
from saas.persistence.models import QuotaUse
from saas.tenancy.binding import bind
from tests.apps.invoices.drafts import NOBODYS, drafted, new_customer, rows_of
from tests.apps.invoices.issued import act, cancel, issue, issued
from tests.apps.invoices.test_races import twin
from tests.cast import make_tenant
from tests.races import at_once
from tests.structured import parse_list

pytestmark = [pytest.mark.core, pytest.mark.practice("RATE-05")]


@pytest.fixture
def three(settings):
    """The smallest plan holds three, and the next one five."""
    settings.PLANS = {"free": {"invoices": 3}, "standard": {"invoices": 5}}


def quota(member):
    """What `/usage` says of invoices, without its end."""
    [of_invoices] = member.get("usage").json()["quotas"]
    return of_invoices["limit"], of_invoices["used"], of_invoices["remaining"]


def refused(answer):
    """The document of a 429 for a quota."""
    document = answer.json()
    assert (answer.status_code, document["code"]) == (429, "quota-exceeded"), document
    return document


def test_beyond_the_plan_nothing_is_issued_and_the_answer_says_until_when(
    acme, globex, customer, three, time_machine
):
    time_machine.move_to(datetime(2025, 12, 31, 23, 0, 30, tzinfo=UTC), tick=False)
    for _ in range(3):
        issued(acme.owner, customer)
    draft = drafted(acme.owner, customer)
    answer = act(acme.accountant, f"{draft['id']}/issuance")
    assert refused(answer)["violated-policies"] == ["invoices"]
    assert answer["Retry-After"] == "3570"
    assert parse_list(answer["RateLimit-Policy"]) == [("invoices", {"q": 3, "w": 31 * 86_400})]
    assert parse_list(answer["RateLimit"]) == [("invoices", {"r": 0, "t": 3570})]
    assert quota(acme.viewer) == (3, 3, 0)
    assert acme.owner.get(f"invoices/{draft['id']}").json()["status"] == "draft"
    assert issued(globex.owner, new_customer(globex))["number"] == "2025-000001"
    time_machine.shift(3570)  # a client that waited as long as it was told
    assert quota(acme.viewer) == (3, 0, 3)
    assert issue(acme.accountant, draft)["number"] == "2026-000001"
    assert quota(acme.viewer) == (3, 1, 2)


def test_usage_tells_the_plan_the_month_and_what_is_left_to_any_credential(
    acme, customer, three, time_machine
):
    time_machine.move_to(datetime(2024, 2, 29, 12, tzinfo=UTC), tick=False)
    issued(acme.owner, customer)
    answer = acme.viewer.with_scopes().get("usage")
    assert answer.status_code == 200
    assert answer.json() == {
        "plan": "free",
        "period": {"starts_at": "2024-02-01T00:00:00Z", "ends_at": "2024-03-01T00:00:00Z"},
        "quotas": [
            {
                "name": "invoices",
                "limit": 3,
                "used": 1,
                "remaining": 2,
                "resets_at": "2024-03-01T00:00:00Z",
            }
        ],
    }


def test_a_repeat_a_refusal_and_a_correction_count_nothing(acme, customer, three):
    draft = drafted(acme.owner, customer)
    for _ in range(3):
        assert act(acme.owner, f"{draft['id']}/issuance", key="k" * 16).status_code == 201
    assert quota(acme.owner) == (3, 1, 2)
    assert act(acme.owner, f"{draft['id']}/issuance").status_code == 409
    assert act(acme.owner, f"{NOBODYS}/issuance").status_code == 404
    another = drafted(acme.owner, customer)
    late = {"issued_on": "2030-02-01", "due_on": "2030-01-01"}
    assert act(acme.owner, f"{another['id']}/issuance", late).status_code == 400
    assert act(acme.viewer, f"{another['id']}/issuance").status_code == 403
    assert cancel(acme.owner, draft).status_code == 201
    assert quota(acme.owner) == (3, 1, 2)


def test_what_is_taken_back_after_it_was_counted_counts_nothing(acme, customer, three, monkeypatch):
    draft = drafted(acme.owner, customer)

    def broken(*_):
        raise RuntimeError("a fault of ours")

    with monkeypatch.context() as patch:
        patch.setattr("apps.invoices.services.next_number", broken)
        assert act(acme.owner, f"{draft['id']}/issuance").status_code == 500
    assert quota(acme.owner) == (3, 0, 3)


def test_a_larger_plan_has_room_at_once_and_nobody_gives_it_to_themselves(acme, customer, three):
    for _ in range(3):
        issued(acme.owner, customer)
    draft = drafted(acme.owner, customer)
    for path in ("organization", "security-policy"):
        assert acme.owner.patch(path, {"plan": "standard"}).status_code == 400
    refused(act(acme.owner, f"{draft['id']}/issuance"))
    with bind(acme.id):
        Organization.objects.filter(pk=acme.id).update(plan="standard")
    issue(acme.owner, draft)
    assert quota(acme.owner) == (5, 4, 1)
    with bind(acme.id):
        Organization.objects.filter(pk=acme.id).update(plan="a plan of last year")
    assert quota(acme.owner) == (3, 4, 0)  # worth what a new one is


def test_a_plan_that_holds_none_issues_none(acme, customer, settings):
    settings.PLANS = {"free": {"invoices": 0}}
    refused(act(acme.owner, f"{drafted(acme.owner, customer)['id']}/issuance"))
    assert quota(acme.owner) == (0, 0, 0)


@pytest.mark.parametrize("many", [8, pytest.param(64, marks=pytest.mark.drill)])
def test_of_many_at_once_exactly_those_are_issued_that_the_plan_holds(committed, three, many):
    acme = make_tenant("Acme")
    customer = new_customer(acme)
    drafts = [drafted(acme.owner, customer)["id"] for _ in range(many)]
    answers = []
    for start in range(0, many, 16):  # as many connections as the database has for us
        some = drafts[start : start + 16]
        answers += at_once(*[lambda id=id: act(twin(acme.owner), f"{id}/issuance") for id in some])
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [429] * (many - 3)
    numbers = sorted(row["number"] for row in rows_of(acme) if row["number"])
    assert [number[-6:] for number in numbers] == ["000001", "000002", "000003"]
    assert quota(acme.owner) == (3, 3, 0)
    with bind(acme.id):
        assert QuotaUse.objects.count() == 1


def test_drafting_touches_no_quota(acme, customer):
    with CaptureQueriesContext(connection) as sent:
        draft = drafted(acme.owner, customer)
    assert not [entry for entry in sent if "quotause" in entry["sql"]]
    with CaptureQueriesContext(connection) as sent:
        issue(acme.owner, draft)
    assert len([entry for entry in sent if "quotause" in entry["sql"]]) == 1


def test_the_plans_grow():
    sizes = [live.PLANS[plan]["invoices"] for plan in ("free", "standard", "business")]
    assert sizes == sorted(sizes)
    assert live.PLAN == "free"
