"""Which invoices there are."""

from django.db.models import Prefetch, QuerySet

from apps.invoices.models import Invoice, InvoiceLine

UNSHOWN = ("buyer", "buyer_email", "buyer_tax_id")


def invoices() -> QuerySet[Invoice]:
    """The invoices of the bound organization, each with its lines as `positions`: one query more,
    however many lines there are.
    """
    lines = Prefetch("lines", InvoiceLine.objects.order_by("position"), to_attr="positions")
    return Invoice.objects.prefetch_related(lines)  # type: ignore[no-redef]  # a new draft sets it


def invoices_in_brief() -> QuerySet[Invoice]:
    """The same for a list: no lines, and nothing of the buyer, which no list shows."""
    return Invoice.objects.defer(*UNSHOWN)
