"""The customers of the caller's organization."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from apps.customers import queries, services
from apps.customers.access import CustomerEvent, Customers
from apps.customers.models import Customer
from apps.customers.serializers import (
    CustomerFilters,
    CustomerInput,
    CustomerOutput,
    DisclosureInput,
    DisclosureOutput,
)
from saas.authorization.operations import Allow
from saas.view import SecureViewSet


class CustomerViewSet(SecureViewSet):
    """Whom the organization invoices."""

    resource = "customers"
    operations = {
        "list": Allow(Customers.READ),
        "create": Allow(Customers.WRITE, event=CustomerEvent.CREATED),
        "retrieve": Allow(Customers.READ),
        "partial_update": Allow(Customers.WRITE, precondition=True, event=CustomerEvent.CHANGED),
        "destroy": Allow(Customers.WRITE, event=CustomerEvent.DELETED),
    }
    inputs = {"create": CustomerInput, "partial_update": CustomerInput}
    outputs = CustomerOutput
    hot = frozenset({"list", "retrieve"})
    filters = CustomerFilters
    sortable = {"created_at": "created_at", "name": "name"}

    def rows(self) -> QuerySet[Customer]:
        """The customers of the bound organization."""
        return queries.customers()

    def narrow(self, rows: QuerySet[Customer]) -> QuerySet[Customer]:
        """An address is found by its blind index: the column itself cannot be compared."""
        email = self.query.pop("email", None)
        return super().narrow(queries.customers_with_email(rows, email) if email else rows)

    def create(self, request: Request, **_: Any) -> Response:
        """A new customer."""
        return self.show(services.create_customer(self.actor, **self.asked), status=201)

    def partial_update(self, request: Request, **_: Any) -> Response:
        """Some fields change."""
        return self.show(services.change_customer(self.actor, self.row(), **self.asked))

    def destroy(self, request: Request, **_: Any) -> Response:
        """A customer goes, unless an invoice names them."""
        services.delete_customer(self.actor, self.row())
        return Response(status=204)


class DisclosureViewSet(SecureViewSet):
    """The act of turning a token back into its bank account."""

    resource = "bank-account-disclosures"
    operations = {
        "create": Allow(
            Customers.READ_BANKING,
            rate="sensitive",
            step_up=True,
            event=CustomerEvent.ACCOUNT_DISCLOSED,
        )
    }
    inputs = {"create": DisclosureInput}
    outputs = DisclosureOutput

    def rows(self) -> QuerySet[Customer]:
        """The customers of the bound organization."""
        return queries.customers()

    def create(self, request: Request, **_: Any) -> Response:
        """The number, once, for a purpose that the trail keeps."""
        return self.show(
            services.disclose_account(self.actor, self.row(), **self.asked), status=201
        )

    def location(self, row: Customer) -> str:
        """The customer's own address: what was said here is kept nowhere."""
        return f"{settings.SAAS_ORIGIN}{self.http.path.rpartition('/')[0]}"
