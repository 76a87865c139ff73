"""How the tests of issued invoices act on them."""

from typing import Any
from uuid import uuid4

from tests.apps.invoices.drafts import drafted
from tests.cast import Member


def act(member: Member, path: str, asked: Any = None, key: str = "") -> Any:
    """POST at or below /invoices under a key of its own, unless the test is about keys."""
    return member.post(f"invoices/{path}".rstrip("/"), asked, Idempotency_Key=key or str(uuid4()))


def made(answer: Any) -> dict[str, Any]:
    """What a POST made."""
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()
    return found


def issue(member: Member, invoice: dict[str, Any], **asked: str) -> dict[str, Any]:
    """The invoice, issued."""
    return made(act(member, f"{invoice['id']}/issuance", asked))


def issued(member: Member, customer: str, **changes: Any) -> dict[str, Any]:
    """A draft that is issued at once."""
    return issue(member, drafted(member, customer, **changes))


def pay(member: Member, invoice: dict[str, Any], amount: str, **asked: str) -> Any:
    """POST a payment."""
    return act(member, f"{invoice['id']}/payments", {"amount": amount, **asked})


def reverse(member: Member, invoice: dict[str, Any], payment: dict[str, Any]) -> Any:
    """POST the reversal of a payment."""
    return act(member, f"{invoice['id']}/payments/{payment['id']}/reversal")


def credit(member: Member, invoice: dict[str, Any], *lines: tuple[str, str]) -> Any:
    """POST a credit note of (line, quantity)."""
    asked = [{"invoice_line": line, "quantity": quantity} for line, quantity in lines]
    body = {"reason": "it came back", "lines": asked}
    return act(member, f"{invoice['id']}/credit-notes", body)


def cancel(member: Member, invoice: dict[str, Any]) -> Any:
    """POST the cancellation."""
    return act(member, f"{invoice['id']}/cancellation", {"reason": "a mistake"})


def now(member: Member, invoice: dict[str, Any]) -> dict[str, Any]:
    """The invoice as it is."""
    found: dict[str, Any] = member.get(f"invoices/{invoice['id']}").json()
    return found


def standing(member: Member, invoice: dict[str, Any]) -> tuple[str, str, str]:
    """Its status, what is paid, what is due."""
    found = now(member, invoice)
    return found["status"], found["amount_paid"], found["amount_due"]
