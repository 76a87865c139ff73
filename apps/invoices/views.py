"""The invoices of the caller's organization, and what becomes of them."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from apps.invoices import crediting, queries, services, settlement
from apps.invoices.access import (
    CreditNoteEvent,
    CreditNotes,
    InvoiceEvent,
    Invoices,
    PaymentEvent,
    Payments,
    drafted_it_or_keeps_the_books,
)
from apps.invoices.models import CreditNote, Invoice, Payment
from apps.invoices.serializers import (
    CancellationInput,
    CreditNoteInput,
    CreditNoteOutput,
    InvoiceFilters,
    InvoiceInput,
    InvoiceOutput,
    IssuanceInput,
    PaymentInput,
    PaymentOutput,
)
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
    hot = frozenset({"list", "retrieve"})
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


class IssuanceViewSet(SecureViewSet):
    """The act of issuing: what it makes is the invoice itself, frozen and numbered."""

    resource = "issuance"
    operations = {
        "create": Allow(Invoices.ISSUE, idempotent=True, may_wait=True, event=InvoiceEvent.ISSUED)
    }
    inputs = {"create": IssuanceInput}
    outputs = InvoiceOutput

    def rows(self) -> QuerySet[Invoice]:
        """The invoices of the bound organization."""
        return queries.invoices()

    def create(self, request: Request, **_: Any) -> Response:
        """A draft is issued: it gets its number and never changes again.

        `issued_on` is today where the organization is, unless it is given. `due_on` is the
        draft's own unless it is given, and 30 days after the issue where the draft has none.
        """
        return self.show(services.issue_invoice(self.actor, self.row(), **self.asked), status=201)

    def location(self, row: Invoice) -> str:
        """The invoice, where it was all the time."""
        return address("invoices", row.pk)


class PaymentViewSet(SecureViewSet):
    """The money that came in for one invoice."""

    resource = "payments"
    operations = {
        "list": Allow(Invoices.READ),
        "create": Allow(Payments.WRITE, idempotent=True, event=PaymentEvent.RECORDED),
        "retrieve": Allow(Invoices.READ),
    }
    inputs = {"create": PaymentInput}
    outputs = PaymentOutput
    sortable = {"created_at": "created_at"}

    def rows(self) -> QuerySet[Payment]:
        """The payments of the invoice that the path names."""
        return queries.payments().filter(invoice=self.kwargs.get("id"))

    def list(self, request: Request, **_: Any) -> Response:
        """The payments of an invoice, also those that were reversed."""
        self.row(queries.invoices_in_brief())
        return self.page()

    def create(self, request: Request, **_: Any) -> Response:
        """Money came in, at most what is due. When nothing is due any more the invoice is paid."""
        invoice = self.row(queries.invoices_in_brief())
        payment = settlement.record_payment(self.actor, invoice, **self.asked)
        return self.show(payment, status=201)

    def retrieve(self, request: Request, **_: Any) -> Response:
        """One payment."""
        return self.show(self.row(name="payment_id"))


class ReversalViewSet(SecureViewSet):
    """The act of taking a payment back, which can happen once."""

    resource = "reversal"
    operations = {"create": Allow(Payments.WRITE, idempotent=True, event=PaymentEvent.REVERSED)}
    outputs = PaymentOutput

    def rows(self) -> QuerySet[Payment]:
        """The payments of the invoice that the path names."""
        return queries.payments().filter(invoice=self.kwargs.get("id"))

    def create(self, request: Request, **_: Any) -> Response:
        """A payment did not come in after all, or was sent back: its amount is due again."""
        invoice = self.row(queries.invoices_in_brief())
        payment = self.rows().get(pk=self.kwargs["payment_id"])
        return self.show(settlement.reverse_payment(self.actor, invoice, payment), status=201)

    def location(self, row: Payment) -> str:
        """The payment, which stays where it was."""
        return address("invoices", row.invoice_id, "payments", row.pk)


class CancellationViewSet(SecureViewSet):
    """The act of taking a whole invoice back: what it makes is a credit note."""

    resource = "cancellation"
    operations = {"create": Allow(CreditNotes.WRITE, idempotent=True, event=InvoiceEvent.CANCELLED)}
    inputs = {"create": CancellationInput}
    outputs = CreditNoteOutput

    def rows(self) -> QuerySet[CreditNote]:
        """The credit notes of the invoice that the path names."""
        return queries.credit_notes().filter(invoice=self.kwargs.get("id"))

    def create(self, request: Request, **_: Any) -> Response:
        """All that is left of an invoice is taken back, and it becomes void."""
        invoice = self.row(queries.invoices())
        return self.show(crediting.cancel_invoice(self.actor, invoice, **self.asked), status=201)

    def location(self, row: CreditNote) -> str:
        """The credit note."""
        return address("credit-notes", row.pk)


class InvoiceCreditNoteViewSet(SecureViewSet):
    """What was taken back of one invoice."""

    resource = "invoice-credit-notes"
    operations = {
        "list": Allow(Invoices.READ),
        "create": Allow(CreditNotes.WRITE, idempotent=True, event=CreditNoteEvent.ISSUED),
    }
    inputs = {"create": CreditNoteInput}
    outputs = CreditNoteOutput
    sortable = {"created_at": "created_at", "total": "total"}

    def rows(self) -> QuerySet[CreditNote]:
        """The credit notes of the invoice that the path names."""
        every = queries.credit_notes_in_brief if self.action == "list" else queries.credit_notes
        return every().filter(invoice=self.kwargs.get("id"))

    def list(self, request: Request, **_: Any) -> Response:
        """The credit notes of an invoice."""
        self.row(queries.invoices_in_brief())
        return self.page()

    def create(self, request: Request, **_: Any) -> Response:
        """Some lines are taken back; what is due falls by as much.

        What was paid is no longer due and cannot be taken back: reverse the payment first.
        """
        invoice = self.row(queries.invoices())
        return self.show(crediting.credit_lines(self.actor, invoice, **self.asked), status=201)

    def location(self, row: CreditNote) -> str:
        """The credit note."""
        return address("credit-notes", row.pk)


class CreditNoteViewSet(SecureViewSet):
    """What the organization took back of its claims."""

    resource = "credit-notes"
    operations = {"list": Allow(Invoices.READ), "retrieve": Allow(Invoices.READ)}
    outputs = CreditNoteOutput
    sortable = {"created_at": "created_at", "total": "total"}

    def rows(self) -> QuerySet[CreditNote]:
        """The credit notes of the bound organization; a list reads no lines."""
        return queries.credit_notes_in_brief() if self.action == "list" else queries.credit_notes()


def address(*parts: Any) -> str:
    """The absolute address of a row that another path made."""
    path = "/".join(str(part) for part in parts)
    return f"{settings.SAAS_ORIGIN}/api/{settings.SAAS_API_VERSION}/{path}"
