"""API3, broken object property level authorization: Mallory writes columns that nobody offered her
and reads fields that her role does not hold. Here she is a member with a low role or a narrow key.
"""

import json

import pytest
from django.apps import apps

from apps.customers.access import CUSTOMER_FIELDS
from apps.invoices.access import INVOICE_FIELDS
from saas.context import roles
from saas.view import SecureViewSet
from tests.attacks.surface import (
    OPERATIONS,
    READS,
    TAKING,
    aim,
    changes,
    database,
    nested_forms,
    within,
)
from tests.cast import KEY
from tests.matrix.samples import LINE, customer, made

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHZ-11")]

_TRIED = """
    is_admin isAdmin admin is_staff is_superuser is_owner superuser permissions groups role roles
    tenant tenant_id organization organization_id org org_id account_id owner owner_id user user_id
    creator creator_id created_by approved_by id pk _id uuid version etag __proto__ constructor
    prototype __class__ $where $ne _method _state password digest secret public_id prefix key
    status number total paid_at paid verified email_verified active enabled deleted deleted_at
    non_field_errors Name NAME name[] name. customer.name lines[0] * . / ~ ~1 \u200bname
"""
CLASSICS = _TRIED.split()
CANARIES = {
    "email": "canary-contact@initech.example",
    "address": {"line1": "canary-contact", "city": "canary-contact", "country": "DE"},
    "tax_id": "canary-banking",
    "iban": "DE89370400440532013000",
    "internal_note": "canary-notes",
}
SECRETS = {  # permission -> what only its holders may find in any byte
    "customers:read-contact": ["canary-contact"],
    "customers:read-banking": ["canary-banking", "DE8937040044", "'last4'"],
    "customers:read-notes": ["canary-notes"],
    "invoices:read-notes": ["canary-invoice-note"],
}


def every_name():
    """Every column, every field that goes in or out anywhere, and what attackers always try."""
    for model in apps.get_models():
        for field in model._meta.get_fields():
            yield from {field.name, getattr(field, "attname", field.name)}
    for operation in OPERATIONS:
        yield from operation.view.outputs().fields
        for _, form in nested_forms(operation.form):
            yield from form().fields
    yield from CLASSICS


NAMES = sorted(set(every_name()))


@pytest.mark.practice("INPUT-07")
@pytest.mark.practice("INPUT-08")
@pytest.mark.parametrize("operation", TAKING, ids=str)
def test_no_field_but_the_declared_ones_is_taken_at_any_depth(operation, acme):
    shot = aim(operation, acme)
    before = database(acme)
    for pointer, form in nested_forms(operation.form):
        strange = [name for name in NAMES if name not in form().fields]
        assert len(strange) > 100
        for start in range(0, len(strange), 90):  # an answer lists at most 100 errors
            batch = strange[start : start + 90]
            body = within(dict(shot.body or {}), pointer, dict.fromkeys(batch, True))
            answer = shot.by(acme.owner, body)
            assert answer.status_code == 400
            errors = [e for e in answer.json()["errors"] if e["code"] == "unexpected-field"]
            told = {error["pointer"].removeprefix(f"{pointer}/") for error in errors}
            assert told == {name.replace("~", "~0").replace("/", "~1") for name in batch}
    assert not changes(before, database(acme))


SETTLED = {"version", "updated_at"}
MAY_CHANGE = {  # what one right request changes: table -> columns; + is a new row
    "PATCH organization": {"organizations_organization": {"name", "updated_at"}},
    "POST alerts/{id}/acknowledgement": {
        "activity_alert": {"acknowledged_at", "acknowledged_by_id"}
    },
    "PATCH security-policy": {"organizations_securitypolicy": {"+"}},
    "PATCH members/{id}": {"organizations_membership": {"role"}},
    "POST invitations": {"organizations_invitation": {"+"}},
    "POST customers": {"customers_customer": {"+"}},
    "PATCH customers/{id}": {"customers_customer": {"name", "version", "updated_at"}},
    "POST customers/{id}/bank-account-disclosure": {},  # only the trail knows
    "POST invoices": {
        "invoices_invoice": {"+"},
        "invoices_invoiceline": {"+"},
        "persistence_idempotencyrecord": {"+"},
    },
    "PATCH invoices/{id}": {"invoices_invoice": {"note", "version", "updated_at"}},
    "POST invoices/{id}/issuance": {
        "invoices_invoice": {
            *("status", "number", "issued_on", "due_on", "seller"),
            *SETTLED,
        },
        "persistence_quotause": {"+"},
        "invoices_numberseries": {"+"},
        "persistence_idempotencyrecord": {"+"},
    },
    "POST invoices/{id}/cancellation": {
        "invoices_invoice": {"status", "amount_credited"} | SETTLED,
        "invoices_creditnote": {"+"},
        "invoices_creditnoteline": {"+"},
        "invoices_numberseries": {"+"},
        "persistence_idempotencyrecord": {"+"},
    },
    "POST invoices/{id}/payments": {
        "invoices_invoice": {"amount_paid"} | SETTLED,
        "invoices_payment": {"+"},
        "persistence_idempotencyrecord": {"+"},
    },
    "POST invoices/{id}/payments/{payment_id}/reversal": {
        "invoices_invoice": {"amount_paid"} | SETTLED,
        "invoices_paymentreversal": {"+"},
        "persistence_idempotencyrecord": {"+"},
    },
    "POST invoices/{id}/credit-notes": {
        "invoices_invoice": {"amount_credited"} | SETTLED,
        "invoices_creditnote": {"+"},
        "invoices_creditnoteline": {"+"},
        "invoices_numberseries": {"+"},
        "persistence_idempotencyrecord": {"+"},
    },
    "POST api-keys": {"integrations_apikey": {"+"}},
    "POST api-keys/{id}/rotation": {"integrations_apikey": {"+", "expires_at"}},
}
if apps.is_installed("apps.approvals"):
    MAY_CHANGE["POST approvals/{id}/decision"] = {
        "approvals_approval": {"state", "decided_by_id", "decided_at", "wanted"}
    }
if apps.is_installed("apps.support"):
    MAY_CHANGE["POST support-grants"] = {"support_supportgrant": {"+"}}


@pytest.mark.practice("INPUT-07")
@pytest.mark.parametrize("operation", TAKING, ids=str)
def test_a_right_request_changes_the_columns_that_it_names_and_no_others(operation, acme, globex):
    shot = aim(operation, acme)
    before = database(acme, globex)
    assert shot.by(acme.owner).status_code in (200, 201)
    assert changes(before, database(acme, globex)) == MAY_CHANGE[str(operation)]


@pytest.fixture
def planted(acme):
    """A customer and a draft whose guarded fields hold words that are easily found."""
    body = {"name": "Initech", "country": "DE", **CANARIES}
    id = made(acme.owner.post("customers", body))
    draft = {"customer": id, "currency": "EUR", "lines": [LINE]}
    note = {"internal_note": "canary-invoice-note"}
    invoice = made(acme.owner.post("invoices", {**draft, **note}, Idempotency_Key=KEY))
    acme.owner.patch(
        f"customers/{id}", CANARIES, If_Match=acme.owner.get(f"customers/{id}")["ETag"]
    )
    return {"customers/{id}": id, "invoices/{id}": invoice}


@pytest.mark.parametrize("role", list(roles()))
def test_no_byte_of_any_answer_holds_what_the_reader_may_not_see(role, acme, planted, shot):
    whole = getattr(acme, role)
    narrow = acme.owner.with_scopes("customers:read", "invoices:read", "audit:read")
    for reader, rights in ((whole, roles()[role]), (narrow, frozenset())):
        hidden = [word for p, words in SECRETS.items() if p not in rights for word in words]
        for operation in READS:
            row = planted.get(operation.path)
            answer = (aim(operation, acme, row) if row else shot(operation)).by(reader)
            told = answer.json() if answer.content else {}
            told = str([told, answer.headers.get("ETag"), answer.headers.get("Location")])
            assert [word for word in hidden if word in told] == [], operation


@pytest.mark.practice("INPUT-02")
def test_a_field_that_the_reader_may_not_see_exists_in_no_filter_ordering_or_error(acme, planted):
    guarded = [*CUSTOMER_FIELDS.guarded, *INVOICE_FIELDS.guarded, "iban", "bank_token"]
    guarded += ["email_index", "tenant", "creator__email", "customer__email", "user__password"]
    suffixes = ("", "__startswith", "__contains", "__isnull", "__gt", "__regex", "__in")
    for path in ("customers", "invoices"):
        real = acme.viewer.get(f"{path}?nonsense=x").json()
        for name in guarded:
            for suffix in suffixes:
                answer = acme.viewer.get(f"{path}?{name}{suffix}=x")
                assert answer.status_code == 400
                said = answer.content.decode().replace(f"{name}{suffix}", "nonsense")
                assert said.replace(answer.json()["instance"], real["instance"]) == json.dumps(real)
            for sign in ("", "-"):
                answer = acme.owner.get(f"{path}?ordering={sign}{name}")
                assert answer.status_code == 400
                assert answer.json()["errors"][0]["code"] == "invalid-choice"


@pytest.mark.parametrize("value", ["a string", None, 5])
def test_a_field_that_the_writer_may_not_see_is_not_written_either(acme, planted, value):
    id = planted["customers/{id}"]
    writers = [
        (acme.clerk, {"tax_id", "iban", "internal_note"}),
        (acme.accountant, {"internal_note"}),
        (acme.owner.with_scopes("customers:read", "customers:write"), set(CANARIES)),
    ]
    before = database(acme)
    for writer, names in writers:
        tag = writer.get(f"customers/{id}")["ETag"]
        for name in names:
            sent = (
                {"iban": CANARIES["iban"]}
                if (name, value) == ("iban", "a string")
                else {name: value}
            )
            for answer in (
                writer.patch(f"customers/{id}", sent, If_Match=tag),
                writer.post("customers", {"name": "x", "country": "DE", **sent}),
            ):
                assert answer.status_code in (400, 403)
                assert {e["pointer"] for e in answer.json()["errors"]} == {f"/{name}"}
                if value is None:
                    assert answer.json()["code"] == "guarded-field"
    assert not changes(before, database(acme))


@pytest.mark.practice("X-01")
def test_a_repeat_shows_what_its_reader_may_see_today(acme):
    body = {"customer": customer(acme), "currency": "EUR", "lines": [LINE], "internal_note": "n"}
    first = acme.accountant.post("invoices", body, Idempotency_Key=KEY)
    assert first.json()["internal_note"] == "n"
    members = acme.owner.get("members").json()["results"]
    id = next(row["id"] for row in members if row["role"] == "accountant")
    acme.owner.patch(f"members/{id}", {"role": "clerk"})
    again = acme.accountant.post("invoices", body, Idempotency_Key=KEY)
    assert again["Idempotency-Replayed"] == "true"
    assert "internal_note" not in again.json()


def test_every_view_is_attacked_here():
    assert {operation.view for operation in OPERATIONS} <= set(SecureViewSet.__subclasses__())
    assert {str(operation) for operation in TAKING} == MAY_CHANGE.keys()
