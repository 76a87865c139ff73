"""What the matrix needs to know of each route: a row of a tenant, and a body that is right."""

import re
from collections.abc import Callable
from itertools import repeat
from typing import Any, NamedTuple
from uuid import uuid4

from django.apps import apps

from apps.accounts.models import User
from apps.organizations.services import add_member
from saas.alerts import alert
from saas.audit import trail
from saas.authorization.permissions import known_permissions
from saas.tenancy.binding import bind
from tests.cast import KEY, Member, Tenant, make_key

CUSTOMER = {"name": "Initech", "country": "DE"}
LINE = {"description": "Work", "quantity": "2", "unit_price": "49.50", "tax_rate": "19.00"}
SUPPORT = {"reason": "Totals look wrong", "hours": 2, "scopes": ["customers:read"]}


def customer(tenant: Tenant) -> str:
    """The id of a customer."""
    return made(tenant.owner.post("customers", CUSTOMER))


def customer_with_account(tenant: Tenant) -> str:
    """The id of a customer whose bank account is known."""
    return made(tenant.owner.post("customers", CUSTOMER | {"iban": "DE89370400440532013000"}))


def fresh() -> str:
    """An Idempotency-Key that nobody has used."""
    return f"{KEY}-{uuid4()}"


def draft(tenant: Tenant) -> str:
    """The id of a draft that the clerk made, so that each role that drafts may change it."""
    body = {"customer": customer(tenant), "currency": "EUR", "lines": [LINE]}
    return made(tenant.clerk.post("invoices", body, Idempotency_Key=fresh()))


def issued(tenant: Tenant) -> str:
    """The id of an invoice that is no draft any more."""
    id = draft(tenant)
    return made(tenant.owner.post(f"invoices/{id}/issuance", Idempotency_Key=fresh()))


def payment(tenant: Tenant) -> tuple[str, str]:
    """The ids of an invoice and of a payment for it."""
    id = issued(tenant)
    asked = {"amount": "1.00"}
    return id, made(tenant.owner.post(f"invoices/{id}/payments", asked, Idempotency_Key=fresh()))


def credit_note(tenant: Tenant) -> str:
    """The id of a credit note."""
    id = issued(tenant)
    return made(tenant.owner.post(f"invoices/{id}/cancellation", Idempotency_Key=fresh()))


def invitation(tenant: Tenant) -> str:
    """The id of an open invitation."""
    return made(tenant.owner.post("invitations", {"email": f"new-{uuid4()}@elsewhere.example"}))


def key(tenant: Tenant) -> str:
    """The id of a key without scopes."""
    return made(tenant.owner.post("api-keys", {"name": "one more"}))


def member(tenant: Tenant) -> str:
    """The id of the viewer's membership."""
    rows = tenant.owner.get("members").json()["results"]
    return next(row["id"] for row in rows if row["role"] == "viewer")


def audit_event(tenant: Tenant) -> str:
    """The id of the newest entry of the trail."""
    return tenant.owner.get("audit-events").json()["results"][0]["id"]


def open_alert(tenant: Tenant) -> str:
    """The id of an alert that nobody has acknowledged."""
    alert(tenant.id, "house.burning", "Something looks wrong.")
    return tenant.owner.get("alerts?acknowledged=false").json()["results"][0]["id"]


def approval(tenant: Tenant) -> str:
    """The id of something that a second owner asked for, so that each of the cast may decide."""
    with bind(tenant.id), trail.recording():
        user = User.objects.create_user(f"{uuid4()}@second.example", name="a second owner")
        add_member(None, user, "owner")
    key, secret = make_key(tenant.id, user, known_permissions())
    second = Member(tenant, user, "owner", secret, key)
    assert second.patch("security-policy", {"require_two_persons": True}).status_code == 200
    asked = second.post(
        "invitations", {"email": f"new-{uuid4()}@elsewhere.example", "role": "admin"}
    )
    assert asked.status_code == 202, asked.content
    return asked.json()["id"]


def support_grant(tenant: Tenant) -> str:
    """The id of a grant that nobody of the staff has taken up."""
    return made(tenant.owner.post("support-grants", SUPPORT))


def made(answer: Any) -> str:
    """The id of what was just made."""
    assert answer.status_code == 201, answer.content
    return answer.json()["id"]


Row = str | tuple[str, ...]  # an id, or those of a row and of what is above it


class Sample(NamedTuple):
    """`row` makes the row that the path names; `bodies` are right for each method."""

    row: Callable[[Tenant], Row] | None = None
    bodies: dict[str, Any] = {}


def filled(path: str, row: Row | None) -> str:
    """`path` with the ids of `row` in it, from left to right; one id stands for all of them."""
    ids = iter(row) if isinstance(row, tuple) else repeat(row)
    return re.sub(r"\{\w+\}", lambda _: str(next(ids)), path)


def credit_body(tenant: Tenant) -> dict[str, Any]:
    """A little of the newest invoice is taken back."""
    line = "0190a0b0-0000-7000-8000-000000000000"
    for invoice in tenant.owner.get("invoices?page_size=1").json()["results"]:
        line = tenant.owner.get(f"invoices/{invoice['id']}").json()["lines"][0]["id"]
    return {"reason": "It came back", "lines": [{"invoice_line": line, "quantity": "0.01"}]}


def invoice_body(tenant: Tenant) -> dict[str, Any]:
    """A draft as it comes in."""
    return {"customer": customer(tenant), "currency": "EUR", "lines": [LINE]}


SAMPLES: dict[str, Sample] = {
    "me": Sample(),
    "organization": Sample(bodies={"PATCH": {"name": "Another name"}}),
    "security-policy": Sample(bodies={"PATCH": {"high_risk": False}}),
    "usage": Sample(),
    "members": Sample(),
    "members/{id}": Sample(member, {"PATCH": {"role": "clerk"}}),
    "invitations": Sample(bodies={"POST": {"email": "somebody@elsewhere.example"}}),
    "invitations/{id}": Sample(invitation),
    "customers": Sample(bodies={"POST": CUSTOMER}),
    "customers/{id}": Sample(customer, {"PATCH": {"name": "Initrode"}}),
    "customers/{id}/bank-account-disclosure": Sample(
        customer_with_account, {"POST": {"purpose": "Refund"}}
    ),
    "invoices": Sample(bodies={"POST": invoice_body}),
    "invoices/{id}": Sample(draft, {"PATCH": {"note": "Thank you."}}),
    "invoices/{id}/issuance": Sample(draft, {"POST": {}}),
    "invoices/{id}/cancellation": Sample(issued, {"POST": {}}),
    "invoices/{id}/payments": Sample(issued, {"POST": {"amount": "1.00"}}),
    "invoices/{id}/payments/{payment_id}": Sample(payment),
    "invoices/{id}/payments/{payment_id}/reversal": Sample(payment, {"POST": {}}),
    "invoices/{id}/credit-notes": Sample(issued, {"POST": credit_body}),
    "credit-notes": Sample(),
    "credit-notes/{id}": Sample(credit_note),
    "api-keys": Sample(bodies={"POST": {"name": "a key"}}),
    "api-keys/{id}": Sample(key),
    "api-keys/{id}/rotation": Sample(key, {"POST": {}}),
    "integrations": Sample(),
    "integrations/{id}": Sample(key),
    "audit-events": Sample(),
    "audit-checkpoints": Sample(),
    "audit-events/{id}": Sample(audit_event),
    "alerts": Sample(),
    "alerts/{id}": Sample(open_alert),
    "alerts/{id}/acknowledgement": Sample(open_alert, {"POST": {}}),
}
if apps.is_installed("apps.approvals"):
    SAMPLES |= {
        "approvals": Sample(),
        "approvals/{id}": Sample(approval),
        "approvals/{id}/decision": Sample(approval, {"POST": {"decision": "decline"}}),
    }
if apps.is_installed("apps.support"):
    SAMPLES |= {
        "support-grants": Sample(bodies={"POST": SUPPORT}),
        "support-grants/{id}": Sample(support_grant),
    }
