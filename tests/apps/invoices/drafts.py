"""How the tests of invoices write one."""

from typing import Any
from uuid import uuid4

from apps.invoices.models import Invoice
from apps.organizations.models import Membership
from saas.tenancy.binding import bind
from tests.cast import Member, Tenant

NOBODYS = "00000000-0000-7000-8000-000000000000"
LINE = {"description": "Work", "quantity": "2", "unit_price": "49.50", "tax_rate": "19.00"}
BUYER = {
    "name": "Initech GmbH",
    "country": "DE",
    "email": "billing@initech.example",
    "address": {"line1": "Hauptstr. 1", "city": "Köln", "country": "DE"},
    "tax_id": "DE123456789",
}

EVERYBODY = {
    *("id", "number", "status", "customer", "currency", "lines"),
    *("subtotal", "tax_total", "total", "amount_paid", "amount_due"),
    *("issued_on", "due_on", "created_at", "updated_at", "note"),
}
OF_A_LINE = {"id", "description", "quantity", "unit_price", "tax_rate", "amount"}


def new_customer(tenant: Tenant) -> str:
    """The id of a customer with all that an invoice copies."""
    made = tenant.owner.post("customers", BUYER)
    assert made.status_code == 201, made.content
    return made.json()["id"]


def body(customer: str, **changes: Any) -> dict[str, Any]:
    """The smallest draft there is, and what a test adds to it."""
    return {"customer": customer, "currency": "EUR", "lines": [LINE], **changes}


def post(member: Member, asked: dict[str, Any], key: str = "") -> Any:
    """POST /invoices under a key of its own, unless the test is about keys."""
    return member.post("invoices", asked, Idempotency_Key=key or str(uuid4()))


def drafted(member: Member, customer: str, **changes: Any) -> dict[str, Any]:
    """A draft as its maker sees it."""
    made = post(member, body(customer, **changes))
    assert made.status_code == 201, made.content
    return made.json()


def tag_of(member: Member, invoice: dict[str, Any]) -> str:
    """The ETag that `member` reads now."""
    return member.get(f"invoices/{invoice['id']}")["ETag"]


def patch(member: Member, invoice: dict[str, Any], changes: dict[str, Any]) -> Any:
    """PATCH with the ETag of a moment ago."""
    return member.patch(f"invoices/{invoice['id']}", changes, If_Match=tag_of(member, invoice))


def rows_of(tenant: Tenant) -> list[dict[str, Any]]:
    """Every column of every invoice, to hold a refusal against."""
    with bind(tenant.id):
        return [dict(row) for row in Invoice.objects.order_by("id").values()]


def issue(tenant: Tenant, invoice: dict[str, Any], status: str = "issued") -> None:
    """Past every rule but the database's: a draft that is none any more."""
    with bind(tenant.id):
        rows = Invoice.objects.filter(pk=invoice["id"])
        rows.update(status="issued", number=f"2026-{invoice['id'][-6:]}", issued_on="2026-11-22")
        rows.update(status=status)


def pointers(answer: Any) -> dict[str, str]:
    """The errors of a 400: pointer -> code."""
    assert answer.status_code == 400, answer.content
    document = answer.json()
    assert document["code"] == "invalid-request"
    return {error["pointer"]: error["code"] for error in document["errors"]}


def in_role(member: Member, role: str) -> Member:
    """The same person, whose role has changed since."""
    with bind(member.organization.id):
        Membership.objects.filter(user=member.user).update(role=role)
    member.role = role
    return member
