"""What must be true of the bound tenant's books, however they came here."""

from collections.abc import Iterator

from django.db.models import F, Model, Q, QuerySet, Sum

from apps.invoices.models import ZERO, CreditNote, Invoice, InvoiceLine, NumberSeries, Payment
from apps.invoices.numbering import CREDIT_NOTES


def faults() -> Iterator[str]:
    """Each thing that cannot be."""
    for series in NumberSeries.objects.all():
        kind = CreditNote if series.series == CREDIT_NOTES else Invoice
        yield from gaps(kind, f"{series.series}{series.year}-", series.last)
    paid = sums(Payment.objects.filter(reversal=None), "amount")
    credited = sums(CreditNote.objects.all(), "total")
    for id, number, was_paid, was_credited in Invoice.objects.filter(
        Q(pk__in=[*paid, *credited]) | ~Q(amount_paid=0) | ~Q(amount_credited=0)
    ).values_list("pk", "number", "amount_paid", "amount_credited"):
        if was_paid != paid.get(id, ZERO) or was_credited != credited.get(id, ZERO):
            yield f"invoice {number or id}: payments and credit notes do not add up to its balance"
    wrong = Invoice.objects.exclude(total=F("subtotal") + F("tax_total"))
    for number in wrong.exclude(number=None).values_list("number", flat=True)[:10]:
        yield f"invoice {number}: the total is not what it is made of"
    lost = InvoiceLine.objects.values("invoice").distinct().count()
    if (there := Invoice.objects.exclude(number=None).count()) > lost:
        yield f"{there - lost} invoices have lost their lines"


def gaps(kind: type[Model], prefix: str, last: int) -> Iterator[str]:
    """The numbers of a series go from one to its last, and none is missing or too much."""
    rows: QuerySet[Model] = kind._default_manager.filter(number__startswith=prefix)
    numbers = {int(number.removeprefix(prefix)) for number in rows.values_list("number", flat=True)}
    if numbers != set(range(1, last + 1)):
        odd = sorted(numbers ^ set(range(1, last + 1)))
        yield f"{len(odd)} numbers of {prefix}… are missing or too much, the first is {odd[0]}"


def sums(rows: QuerySet[Model], column: str) -> dict[object, object]:
    """By invoice."""
    return dict(rows.values_list("invoice").annotate(Sum(column)))
