"""What may be said of a customer, on the way in and on the way out."""

from typing import Any

from rest_framework import serializers

from apps.customers.access import CUSTOMER_FIELDS, DISCLOSED_FIELDS
from saas.disclosure.outputs import Output
from saas.validation.countries import COUNTRIES
from saas.validation.fields import Choice, Email, Text
from saas.validation.iban import Iban
from saas.validation.inputs import Filters, Input

ADDRESS = {
    "line1": "Hauptstr. 1",
    "line2": None,
    "postal_code": "50667",
    "city": "Köln",
    "country": "DE",
}
CUSTOMER = {
    "name": "Initech GmbH",
    "country": "DE",
    "email": "billing@initech.example",
    "address": ADDRESS,
    "tax_id": "DE123456789",
    "internal_note": "Pays late.",
}


class AddressInput(Input):
    """A postal address."""

    examples = ADDRESS

    line1 = Text(max_length=200)
    line2 = Text(max_length=200, required=False, allow_null=True)
    postal_code = Text(max_length=20, required=False, allow_null=True)
    city = Text(max_length=100)
    country = Choice(choices=COUNTRIES)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Always the same five names, so that readers need not ask which are there."""
        return {"line2": None, "postal_code": None} | attrs


class CustomerInput(Input):
    """A customer as it comes in; an IBAN turns into a token."""

    writes = {"iban": "bank_account"}
    examples = CUSTOMER

    name = Text(max_length=200)
    country = Choice(choices=COUNTRIES)
    email = Email(required=False, allow_null=True)
    address = AddressInput(required=False, allow_null=True)
    tax_id = Text(max_length=30, required=False, allow_null=True)
    iban = Iban(required=False, allow_null=True)
    internal_note = Text(max_length=2000, multiline=True, required=False, allow_null=True)


class CustomerFilters(Filters):
    """What a list of customers can be narrowed by."""

    country = Choice(choices=COUNTRIES, required=False)
    email = Email(required=False)


class AddressOutput(serializers.Serializer[Any]):
    """A postal address as it is kept."""

    examples = ADDRESS

    line1 = serializers.CharField()
    line2 = serializers.CharField(allow_null=True)
    postal_code = serializers.CharField(allow_null=True)
    city = serializers.CharField()
    country = serializers.CharField()


class BankAccountOutput(serializers.Serializer[Any]):
    """A token in place of an account, and its last four characters."""

    examples = {"token": "ba_0123456789ABCDEFGHIJKLMN", "last4": "3000"}

    token = serializers.CharField()
    last4 = serializers.CharField()


class CustomerOutput(Output):
    """A customer as its reader may see it."""

    access = CUSTOMER_FIELDS
    summary = frozenset({"tax_id", "bank_account"})
    examples = CUSTOMER

    id = serializers.UUIDField()
    name = serializers.CharField()
    country = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    email = serializers.CharField(allow_null=True)
    address = AddressOutput(allow_null=True)
    tax_id = serializers.CharField(allow_null=True)
    bank_account = BankAccountOutput(allow_null=True)
    internal_note = serializers.CharField(allow_null=True)


class DisclosureInput(Input):
    """Why somebody needs the number; the trail keeps it, so it names no person."""

    examples = {"purpose": "Refund of invoice 2026-000042"}

    purpose = Text(min_length=3, max_length=200)


class DisclosureOutput(Output):
    """The number that a token stands for."""

    access = DISCLOSED_FIELDS
    examples = {"token": "ba_0123456789ABCDEFGHIJKLMN", "iban": "DE89370400440532013000"}

    token = serializers.CharField(source="bank_token")
    iban = serializers.CharField()
