"""API1, broken object level authorization: Mallory knows the id of every row of Acme, and it opens
nothing, wherever she writes it.
"""

import re
import time
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.attacks.surface import ABSENT, OF_ROWS, READS, aim, changes, comparable, database
from tests.cast import KEY
from tests.matrix.samples import LINE, customer, draft, fresh, issued, made, payment

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHZ-02")]

VALUES = re.compile(r"'[^']*'|s[0-9]+_x[0-9]+|[0-9a-f-]{32,36}|\b[0-9]+\b")
CANARY = "canary-of-acme"
WHOLE = {
    "name": CANARY,
    "country": "DE",
    "email": f"{CANARY}@acme.example",
    "address": {"line1": CANARY, "city": CANARY, "country": "DE"},
    "tax_id": CANARY,
    "internal_note": CANARY,
}


def test_an_id_in_the_path_opens_nothing_and_tells_nothing(acme, globex, mallory, shot):
    shots = [(operation, shot(operation)) for operation in OF_ROWS]
    before = database(acme, globex)
    for operation, right in shots:
        theirs = right.by(mallory)
        nobodys = aim(operation, acme, ABSENT).by(mallory, **right.headers)
        assert theirs.status_code == 404, operation
        assert comparable(theirs) == comparable(nobodys), operation
    assert not changes(before, database(acme, globex))


@pytest.mark.practice("X-15")
def test_the_database_does_the_same_work_for_a_foreign_row_as_for_none(acme, mallory, shot):
    def statements(right):
        right.by(mallory)  # the first refusal of a minute writes more than the next
        with CaptureQueriesContext(connection) as work:
            assert right.by(mallory).status_code == 404
        return [VALUES.sub("?", query["sql"]) for query in work]

    for operation in OF_ROWS:
        minute = 0.0
        while minute != time.time() // 60:  # else one ended between the two, and they are no pair
            minute = time.time() // 60
            foreign, absent = shot(operation), aim(operation, acme, ABSENT)
            of_theirs, of_nobodys = statements(foreign), statements(absent)
        assert of_theirs == of_nobodys, operation


def test_who_lacks_the_right_hears_the_same_of_a_row_that_is_foreign_absent_or_their_own(
    acme, globex
):
    own, theirs = customer(globex), customer(acme)
    answers = [globex.viewer.delete(f"customers/{id}") for id in (own, theirs, ABSENT)]
    assert {answer.status_code for answer in answers} == {403}
    assert comparable(answers[0]) == comparable(answers[1]) == comparable(answers[2])


@pytest.mark.practice("AUTHZ-03")
def test_an_id_in_a_body_is_looked_up_in_her_own_organization_alone(acme, globex, mallory):
    theirs = customer(acme)
    own = draft(globex)
    tag = mallory.get(f"invoices/{own}")["ETag"]
    before = database(acme, globex)
    for method, path in (("POST", "invoices"), ("PATCH", f"invoices/{own}")):
        answers = []
        for id in (theirs, ABSENT):
            body = {"customer": id, "currency": "EUR", "lines": [LINE]}
            headers = {"Idempotency-Key": f"attack-{uuid.uuid4()}", "If-Match": tag}
            answers.append(mallory.call(method, path, body, **headers))
        assert answers[0].status_code == 400
        assert [e["pointer"] for e in answers[0].json()["errors"]] == ["/customer"]
        assert comparable(answers[0]) == comparable(answers[1])
    assert not changes(before, database(acme, globex))


@pytest.mark.practice("AUTHZ-03")
def test_two_ids_in_one_path_must_belong_together_and_to_her(acme, globex, mallory):
    (invoice, paid), (own_invoice, own_paid) = payment(acme), payment(globex)
    pairs = [(invoice, paid), (invoice, own_paid), (own_invoice, paid), (issued(globex), own_paid)]
    before = database(acme, globex)
    for above, below in [*pairs, (own_invoice, ABSENT), (ABSENT, own_paid)]:
        path = f"invoices/{above}/payments/{below}"
        assert mallory.get(path).status_code == 404
        assert mallory.post(f"{path}/reversal", Idempotency_Key=fresh()).status_code == 404
    assert not changes(before, database(acme, globex))
    assert mallory.get(f"invoices/{own_invoice}/payments/{own_paid}").status_code == 200


@pytest.mark.practice("AUTHZ-03")
def test_an_id_in_a_nested_line_is_looked_up_in_its_own_invoice_alone(acme, globex, mallory):
    def line_of(tenant, id):
        return tenant.owner.get(f"invoices/{id}").json()["lines"][0]["id"]

    own = issued(globex)
    strange = [line_of(acme, issued(acme)), line_of(globex, issued(globex)), ABSENT]
    before = database(acme, globex)
    refusals = []
    for line in strange:
        body = {"reason": "mine", "lines": [{"invoice_line": line, "quantity": "1"}]}
        refusals.append(mallory.post(f"invoices/{own}/credit-notes", body, Idempotency_Key=fresh()))
    assert refusals[0].status_code == 400
    assert [e["pointer"] for e in refusals[0].json()["errors"]] == ["/lines/0/invoice_line"]
    assert comparable(refusals[0]) == comparable(refusals[1]) == comparable(refusals[2])
    assert not changes(before, database(acme, globex))


@pytest.mark.practice("AUTHZ-03")
def test_an_id_in_a_filter_finds_nothing_of_another_organization(acme, mallory):
    ids = [draft(acme), customer(acme), str(acme.owner.user.pk), ABSENT]
    for filters in ("invoices?customer={}", "audit-events?object={}", "audit-events?user={}"):
        for answer in (mallory.get(filters.format(id)) for id in ids):
            assert answer.status_code == 200
            assert answer.json() == {"results": [], "next": None, "previous": None}


@pytest.mark.practice("AUTHZ-03")
def test_a_cursor_of_another_organization_list_or_filter_is_as_good_as_none(acme, mallory, globex):
    for tenant in (acme, globex):
        for _ in range(3):
            tenant.owner.post("customers", {**WHOLE, "name": tenant.name})
    theirs = acme.owner.get("customers?page_size=1").json()["next"]
    assert acme.owner.get(theirs).status_code == 200
    cursor = theirs.partition("cursor=")[2]
    own = mallory.get("customers?page_size=1").json()["next"].partition("cursor=")[2]
    forged = own[:-2] + ("AA" if own[-2:] != "AA" else "BB")
    refusals = [mallory.get(f"customers?cursor={cursor}")]
    refusals += [mallory.get(f"customers?cursor={c}") for c in (forged, own[::-1], "x", "e30", "")]
    refusals += [mallory.get(f"customers?country=DE&cursor={own}")]
    refusals += [mallory.get(f"customers?ordering=name&cursor={own}")]
    refusals += [mallory.get(f"invoices?cursor={own}")]
    for refusal in refusals:
        assert comparable(refusal) == comparable(refusals[0])
    assert refusals[0].status_code == 400


@pytest.mark.practice("X-01")
def test_an_idempotency_key_belongs_to_one_principal_of_one_organization(acme, globex, mallory):
    body = {"customer": customer(acme), "currency": "EUR", "lines": [LINE]}
    first = acme.clerk.post("invoices", body, Idempotency_Key=KEY)
    assert first.status_code == 201
    stolen = mallory.post("invoices", body, Idempotency_Key=KEY)
    assert stolen.status_code == 400
    assert "Idempotency-Replayed" not in stolen
    colleague = acme.accountant.post("invoices", body, Idempotency_Key=KEY)
    assert colleague.status_code == 201
    assert "Idempotency-Replayed" not in colleague
    own = mallory.post("invoices", {**body, "customer": customer(globex)}, Idempotency_Key=KEY)
    again = acme.clerk.post("invoices", body, Idempotency_Key=KEY)
    assert again["Idempotency-Replayed"] == "true"
    assert len({answer.json()["id"] for answer in (first, colleague, own, again)}) == 3


@pytest.mark.practice("X-02")
def test_the_right_etag_of_a_foreign_row_is_worth_nothing(acme, mallory):
    id = customer(acme)
    tag = acme.owner.get(f"customers/{id}")["ETag"]
    for header in ({"If_Match": tag}, {"If_Match": "*"}, {"If_Match": '"0-0"'}, {}):
        answer = mallory.patch(f"customers/{id}", {"name": "mine"}, **header)
        assert answer.status_code == 404
    assert acme.owner.get(f"customers/{id}")["ETag"] == tag


def test_nothing_of_acme_is_in_any_byte_that_mallory_can_read(acme, globex, mallory):
    id = made(acme.owner.post("customers", WHOLE))
    body = {"customer": id, "currency": "EUR", "lines": [{**LINE, "description": CANARY}]}
    invoice = made(acme.owner.post("invoices", {**body, "note": CANARY}, Idempotency_Key=KEY))
    acme.owner.patch("organization", {"name": CANARY})
    known = [CANARY, id, invoice, "acme", str(acme.id), str(acme.owner.user.pk)]
    for operation in READS:
        answer = aim(operation, globex).by(mallory)
        assert answer.status_code == 200, operation
        told = answer.content.decode() + str(answer.headers)
        assert [word for word in known if word in told] == [], operation


def test_an_id_in_another_spelling_is_no_id(acme):
    id = customer(acme)
    number = uuid.UUID(id)
    spellings = [
        id.upper(),
        number.hex,
        f"{{{id}}}",
        number.urn,
        str(number.int),
        f"{id}/",
        f"{id} ",
    ]
    spellings += [f"{id}%00", f"{id}%0a", f"../customers/{id}", f"{id};x=1", "1", "0", "-1", "me"]
    for spelling in spellings:
        assert acme.owner.get(f"customers/{spelling}").status_code == 404, spelling
        if "%" not in spelling and "/" not in spelling:
            answer = acme.owner.get(f"invoices?customer={spelling}")
            assert answer.status_code == 400, spelling
