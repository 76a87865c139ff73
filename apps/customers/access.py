"""Who may see and change a customer."""

from enum import StrEnum

from saas.authorization.fields import FieldAccess
from saas.authorization.permissions import Permission


class Customers(Permission):
    """What may be done with customers."""

    READ = "customers:read"
    READ_CONTACT = "customers:read-contact"
    READ_BANKING = "customers:read-banking"
    READ_NOTES = "customers:read-notes"
    WRITE = "customers:write"


class CustomerEvent(StrEnum):
    """What the trail says of a customer."""

    CREATED = "customer.created"
    CHANGED = "customer.changed"
    DELETED = "customer.deleted"
    ACCOUNT_DISCLOSED = "customer.bank-account-disclosed"


CUSTOMER_FIELDS = FieldAccess(
    public=frozenset({"id", "name", "country", "created_at", "updated_at"}),
    guarded={
        "email": Customers.READ_CONTACT,
        "address": Customers.READ_CONTACT,
        "tax_id": Customers.READ_BANKING,
        "bank_account": Customers.READ_BANKING,
        "internal_note": Customers.READ_NOTES,
    },
    personal=frozenset({"tax_id", "bank_account"}),
)

DISCLOSED_FIELDS = FieldAccess(public=frozenset({"token", "iban"}), guarded={})
