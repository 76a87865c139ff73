"""What can happen to a customer."""

from typing import Any

from django.db.models import ProtectedError

from apps.customers.access import CustomerEvent
from apps.customers.models import Customer, bank_token
from saas.audit import trail
from saas.context import Actor
from saas.errors import Problem


def create_customer(actor: Actor, **fields: Any) -> Customer:
    """A new customer of the actor's organization."""
    customer = Customer()
    _assign(customer, fields)
    customer.save(force_insert=True)
    trail.record(actor, CustomerEvent.CREATED, customer)
    return customer


def change_customer(actor: Actor, customer: Customer, **fields: Any) -> Customer:
    """Change some fields; the trail names them and holds no value."""
    _assign(customer, fields)
    customer.version += 1
    customer.save()
    trail.record(actor, CustomerEvent.CHANGED, customer, fields=sorted(fields))
    return customer


def delete_customer(actor: Actor, customer: Customer) -> None:
    """Remove a customer whom no invoice names. Raises 409 otherwise: an invoice must keep its
    buyer.
    """
    trail.record(actor, CustomerEvent.DELETED, customer)
    try:
        customer.delete()
    except ProtectedError:
        raise Problem("conflict", "An invoice names this customer.") from None


def disclose_account(actor: Actor, customer: Customer, *, purpose: str) -> Customer:
    """Let the number be seen that the token stands for; the trail says by whom and what for. Raises
    409 when there is none.
    """
    if not customer.bank_token:
        raise Problem("conflict", "This customer has no bank account.")
    trail.record(
        actor,
        CustomerEvent.ACCOUNT_DISCLOSED,
        customer,
        token=customer.bank_token,
        purpose=purpose,
    )
    return customer


def _assign(customer: Customer, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        setattr(customer, name, value)
    if "iban" in fields:
        iban = fields["iban"]
        customer.bank_token = bank_token() if iban else None
        customer.bank_last4 = iban[-4:] if iban else None
