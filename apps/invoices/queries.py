"""Which invoices, payments and credit notes there are."""

from django.db.models import Prefetch, QuerySet

from apps.invoices.models import CreditNote, CreditNoteLine, Invoice, InvoiceLine, Payment

UNSHOWN = ("seller", "buyer", "buyer_email", "buyer_tax_id", "drafted_by_id")


def invoices() -> QuerySet[Invoice]:
    """The invoices of the bound organization, each with its lines as `positions`: one query more,
    however many lines there are.
    """
    lines = Prefetch("lines", InvoiceLine.objects.order_by("position"), to_attr="positions")
    return Invoice.objects.prefetch_related(lines)  # type: ignore[no-redef]  # a new draft sets it


def invoices_in_brief() -> QuerySet[Invoice]:
    """The same for a list: no lines, and nothing of what no list shows."""
    return Invoice.objects.defer(*UNSHOWN)


def payments() -> QuerySet[Payment]:
    """The payments of the bound organization, each with its invoice and, if there is one, its
    reversal.
    """
    return Payment.objects.select_related("invoice", "reversal")


def credit_notes() -> QuerySet[CreditNote]:
    """The credit notes of the bound organization, each with its lines as `positions`, and what
    they take back.
    """
    lines = CreditNoteLine.objects.select_related("invoice_line").order_by("position")
    return credit_notes_in_brief().prefetch_related(Prefetch("lines", lines, to_attr="positions"))  # type: ignore[no-redef]  # a new one sets it


def credit_notes_in_brief() -> QuerySet[CreditNote]:
    """The same for a list, which shows no lines."""
    return CreditNote.objects.all()


def credited_lines(invoice: Invoice) -> QuerySet[CreditNoteLine]:
    """Whatever has been taken back of an invoice, line by line."""
    return CreditNoteLine.objects.filter(credit_note__invoice=invoice)
