"""API6, unrestricted access to sensitive business flows: Mallory works at Acme and does by halves,
twice, or at the same moment what was meant to happen once and whole.
"""

from typing import Any

import pytest

from apps.integrations.models import ApiKey
from apps.invoices.models import Invoice
from apps.organizations.models import Invitation, Membership
from apps.organizations.services import add_member
from saas.audit import trail
from saas.audit.chain import first_fault
from saas.audit.models import AuditEntry
from saas.tenancy.binding import bind
from tests.attacks.surface import apart, at_once, changes, crowd, database
from tests.cast import KEY, make_tenant
from tests.matrix.samples import LINE, customer, draft, issued, made

pytestmark = [pytest.mark.core, pytest.mark.practice("X-19")]


@pytest.fixture
def racing(committed):
    """Acme where transactions really commit."""
    return make_tenant("Acme")


def happened(tenant, event):
    """How often the trail says so; the whole chain must hold."""
    with bind(tenant.id):
        assert first_fault() is None
        return AuditEntry.objects.filter(event=event).count()


def standing(tenant, model, **which):
    """The rows of a table."""
    with bind(tenant.id):
        return list(model.objects.filter(**which))


def memberships(tenant):
    """role -> the id of the membership."""
    return {row["role"]: row["id"] for row in tenant.owner.get("members").json()["results"]}


@pytest.mark.practice("X-02")
def test_the_last_two_owners_cannot_both_be_gone(racing):
    ids = memberships(racing)
    racing.owner.patch(f"members/{ids['admin']}", {"role": "owner"})
    first, second = apart(racing.owner), apart(racing.admin)
    answers = at_once(
        lambda: first.patch(f"members/{ids['admin']}", {"role": "viewer"}),
        lambda: second.delete(f"members/{ids['owner']}"),
    )
    assert {answer.status_code for answer in answers} <= {200, 204, 401, 403, 404, 409}
    assert len(standing(racing, Membership, role="owner")) == 1


@pytest.mark.practice("AUTHZ-06")
def test_two_owners_who_unmake_each_other_do_not_both_succeed(racing):
    ids = memberships(racing)
    for role in ("admin", "accountant"):
        racing.owner.patch(f"members/{ids[role]}", {"role": "owner"})
    first, second = apart(racing.owner), apart(racing.admin)
    answers = at_once(
        lambda: first.patch(f"members/{ids['admin']}", {"role": "viewer"}),
        lambda: second.patch(f"members/{ids['owner']}", {"role": "viewer"}),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 403]
    assert len(standing(racing, Membership, role="owner")) == 2


@pytest.mark.practice("AUTHN-16")
def test_a_key_that_was_being_made_while_its_maker_left_never_wakes_up(acme):
    id = memberships(acme)["admin"]
    late = acme.admin.with_scopes("customers:read")
    acme.owner.delete(f"members/{id}")
    with bind(acme.id), trail.recording():
        ApiKey.objects.filter(pk=late.key.pk).update(revoked_at=None)  # it came a moment too late
        assert late.get("me").status_code == 401
        add_member(None, acme.admin.user, "admin")
    assert late.get("me").status_code == 401


def test_a_role_cannot_outlive_the_member_who_is_removed_at_that_moment(racing):
    id = memberships(racing)["clerk"]
    first, second = apart(racing.owner), apart(racing.owner)
    answers = at_once(
        lambda: first.patch(f"members/{id}", {"role": "accountant"}),
        lambda: second.delete(f"members/{id}"),
    )
    assert [answer.status_code for answer in answers] in ([200, 204], [404, 204])
    assert not standing(racing, Membership, pk=id)
    assert apart(racing.clerk).get("me").status_code == 401
    assert happened(racing, "member.removed") == 1


@pytest.mark.practice("AUTHN-17")
def test_a_key_that_is_rotated_twice_at_once_has_one_successor(racing):
    target = racing.owner.with_scopes("customers:read").key.pk
    before = len(standing(racing, ApiKey))
    path = f"api-keys/{target}/rotation"
    answers = crowd(lambda caller: caller.post(path, {"overlap_hours": 0}), *[racing.owner] * 4)
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert len(standing(racing, ApiKey)) == before + 1
    assert happened(racing, "api-key.rotated") == 1


@pytest.mark.practice("AUTHN-16")
def test_two_who_revoke_one_key_leave_one_entry(racing):
    target = racing.clerk.with_scopes().key.pk
    first, second = apart(racing.owner), apart(racing.admin)
    answers = at_once(
        lambda: first.delete(f"api-keys/{target}"),
        lambda: second.delete(f"integrations/{target}"),
    )
    assert sorted(answer.status_code for answer in answers) == [204, 404]
    assert happened(racing, "api-key.revoked") == 1


def test_an_address_that_is_invited_by_many_at_once_is_written_to_once(racing, delivered):
    asked = {"email": "New@elsewhere.example"}
    answers = crowd(lambda caller: caller.post("invitations", asked), *[racing.owner] * 4)
    assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400]
    assert len(standing(racing, Invitation)) == 1
    assert len(delivered()) == 1
    assert happened(racing, "member.invited") == 1


@pytest.mark.practice("X-01")
def test_one_key_in_many_hands_at_once_drafts_once_for_each_hand(racing):
    body = {"customer": customer(racing), "currency": "EUR", "lines": [LINE]}
    hands = [racing.clerk, racing.clerk, racing.admin, racing.admin]
    answers = crowd(lambda hand: hand.post("invoices", body, Idempotency_Key=KEY), *hands)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 2
    assert happened(racing, "invoice.drafted") == 2


@pytest.mark.practice("X-02")
def test_of_many_writers_with_one_etag_one_is_heard(racing):
    id = customer(racing)
    tag = racing.owner.get(f"customers/{id}")["ETag"]
    change = {"name": "by one of many"}
    answers = crowd(
        lambda caller: caller.patch(f"customers/{id}", change, If_Match=tag), *[racing.owner] * 4
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    assert happened(racing, "customer.changed") == 1


def test_a_draft_is_not_issued_changed_and_thrown_away_at_once(racing):
    id = draft(racing)
    tag = racing.owner.get(f"invoices/{id}")["ETag"]
    first, second, third = (apart(racing.owner) for _ in range(3))
    answers = at_once(
        lambda: first.post(f"invoices/{id}/issuance", Idempotency_Key=KEY),
        lambda: second.patch(f"invoices/{id}", {"note": "late"}, If_Match=tag),
        lambda: third.delete(f"invoices/{id}"),
    )
    issue, change, removal = (answer.status_code for answer in answers)
    assert (issue, removal) in ((201, 409), (404, 204))
    assert change in (200, 404, 409, 412)
    assert happened(racing, "invoice.issued") == (issue == 201)
    assert len(standing(racing, Invoice)) == (issue == 201)


def test_an_invoice_is_not_paid_and_taken_back_at_once(racing):
    id = issued(racing)
    first, second = apart(racing.owner), apart(racing.owner)
    answers = at_once(
        lambda: first.post(f"invoices/{id}/payments", {"amount": "1.00"}, Idempotency_Key=KEY),
        lambda: second.post(f"invoices/{id}/cancellation", Idempotency_Key=KEY),
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    (row,) = standing(racing, Invoice)
    assert (row.status, str(row.amount_paid)[:4]) in (("void", "0.00"), ("issued", "1.00"))


WRONG: list[tuple[dict[str, Any], int]] = [
    ({"lines": []}, 400),
    ({"lines": [{**LINE, "quantity": "0"}]}, 400),
    ({"lines": [{**LINE, "quantity": "-2"}]}, 400),
    ({"lines": [{**LINE, "unit_price": "-49.50"}]}, 400),
    ({"lines": [{**LINE, "tax_rate": "-19"}]}, 400),
    ({"lines": [{**LINE, "tax_rate": "100.01"}]}, 400),
    ({"lines": [{**LINE, "quantity": "0.0000001"}]}, 400),
    ({"lines": [{**LINE, "allowances": [{"amount": "1000", "reason": "all"}]}]}, 400),
    ({"lines": [{**LINE, "charges": [{"amount": "-1000", "reason": "all"}]}]}, 400),
    ({"allowances": [{"amount": "1000", "reason": "all", "tax_rate": "19"}]}, 400),
    ({"prepaid": "1000000"}, 400),
    ({"prepaid": "-1"}, 400),
    ({"rounding": "-1000000"}, 400),
    ({"lines": [{**LINE, "unit_price": "999999999999", "quantity": "999999999999"}]}, 400),
    ({"currency": "XXX"}, 400),
    ({"currency": "eur"}, 400),
    ({"currency": "JPY"}, 409),
]


def test_no_draft_claims_less_than_nothing_or_changes_its_money(acme):
    body: dict[str, Any] = {"customer": customer(acme), "currency": "EUR", "lines": [LINE]}
    id = made(acme.owner.post("invoices", body, Idempotency_Key=KEY))
    tag = acme.owner.get(f"invoices/{id}")["ETag"]
    before = database(acme)
    for change, status in WRONG:
        patched = acme.owner.patch(f"invoices/{id}", change, If_Match=tag)
        assert patched.status_code == status, change
        if status == 400:
            answer = acme.owner.post("invoices", body | change, Idempotency_Key=f"{KEY}-again")
            assert answer.status_code == 400, change
    assert not changes(before, database(acme))


def test_a_customer_whom_an_invoice_names_is_not_deleted_from_under_it(acme):
    id = customer(acme)
    body = {"customer": id, "currency": "EUR", "lines": [LINE]}
    invoice = made(acme.owner.post("invoices", body, Idempotency_Key=KEY))
    before = database(acme)
    for _ in range(2):
        assert acme.owner.delete(f"customers/{id}").status_code == 409
    assert not changes(before, database(acme))
    assert acme.owner.delete(f"invoices/{invoice}").status_code == 204
    assert acme.owner.delete(f"customers/{id}").status_code == 204


def test_a_refused_act_is_not_in_the_trail_and_a_done_one_is_there_once(acme):
    id = customer(acme)
    acme.owner.patch(f"customers/{id}", {"name": "no etag"})
    acme.owner.patch(f"customers/{id}", {"name": "stale"}, If_Match='"0-0"')
    acme.clerk.patch(f"customers/{id}", {"internal_note": "x"}, If_Match='"1-x"')
    acme.owner.post("customers", {"name": "no country"})
    assert happened(acme, "customer.changed") == 0
    assert happened(acme, "customer.created") == 1


@pytest.mark.practice("RATE-02")
def test_inviting_and_taking_back_is_no_way_to_fill_a_mailbox(acme, settings, delivered):
    settings.RATES = settings.RATES | {
        "sensitive": settings.RATES["sensitive"]._replace(requests=6)
    }
    for _ in range(10):
        asked = acme.owner.post("invitations", {"email": "victim@elsewhere.example"})
        if asked.status_code == 201:
            acme.owner.delete(f"invitations/{asked.json()['id']}")
    assert asked.status_code == 429
    assert len(delivered()) == 3
