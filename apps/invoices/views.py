"""The invoices of the caller's organization."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from apps.invoices import queries, services
from apps.invoices.access import InvoiceEvent, Invoices, drafted_it_or_keeps_the_books
from apps.invoices.models import Invoice
from apps.invoices.serializers import InvoiceFilters, InvoiceInput, InvoiceOutput
from saas.authorization.operations import Allow
from saas.view import SecureViewSet


class InvoiceViewSet(SecureViewSet):
    """What the organization claims from its customers; only drafts are written here."""

    resource = "invoices"
    operations = {
        "list": Allow(Invoices.READ),
        "create": Allow(Invoices.DRAFT, idempotent=True, event=InvoiceEvent.DRAFTED),
        "retrieve": Allow(Invoices.READ),
        "partial_update": Allow(
            Invoices.DRAFT,
            when=drafted_it_or_keeps_the_books,
            precondition=True,
            event=InvoiceEvent.CHANGED,
        ),
        "destroy": Allow(
            Invoices.DRAFT, when=drafted_it_or_keeps_the_books, event=InvoiceEvent.DELETED
        ),
    }
    inputs = {"create": InvoiceInput, "partial_update": InvoiceInput}
    outputs = InvoiceOutput
    filters = InvoiceFilters
    sortable = {"created_at": "created_at", "total": "total", "due_on": "due_on"}

    def rows(self) -> QuerySet[Invoice]:
        """The invoices of the bound organization; a list reads no lines."""
        return queries.invoices_in_brief() if self.action == "list" else queries.invoices()

    def create(self, request: Request, **_: Any) -> Response:
        """A new draft."""
        return self.show(services.draft_invoice(self.actor, **self.asked), status=201)

    def partial_update(self, request: Request, **_: Any) -> Response:
        """Some fields of a draft change."""
        return self.show(services.change_draft(self.actor, self.row(), **self.asked))

    def destroy(self, request: Request, **_: Any) -> Response:
        """A draft goes."""
        services.delete_draft(self.actor, self.row())
        return Response(status=204)
