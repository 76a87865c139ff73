"""What may be said of an invoice, on the way in and on the way out."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from rest_framework import serializers
from rest_framework.serializers import ListSerializer

from apps.invoices.access import (
    CREDIT_NOTE_FIELDS,
    CREDITED_LINE_FIELDS,
    INVOICE_FIELDS,
    LINE_FIELDS,
    PAYMENT_FIELDS,
)
from apps.invoices.amounts import Money, Number, UnitPrice
from apps.invoices.models import STATUSES
from apps.invoices.money import CURRENCIES, DIGITS
from apps.invoices.tax import CATEGORIES, rate_fits
from saas.disclosure.outputs import Output
from saas.validation.fields import Choice, Day, DecimalText, Id, Text
from saas.validation.inputs import Filters, Input

ZERO = Decimal(0)
MAX_ADJUSTMENTS = 100  # allowances or charges of one document or line
LINE = {
    "description": "Work",
    "quantity": "2",
    "unit_price": "49.50",
    "tax_rate": "19.00",
    "unit": "HUR",
    "tax_category": "S",
    "base_quantity": "1",
}  # in the documents, as what follows
DOCUMENT = {"currency": "EUR", "prepaid": "20.00", "rounding": "-0.01"}
TOTALS = {"subtotal": "99.00", "tax_total": "18.81", "total": "117.81", "amount_due": "97.80"}


def rate() -> DecimalText:
    """A tax rate in percent, such as "19.00"."""
    return DecimalText(digits=3, places=2, min_value=ZERO, max_value=Decimal(100))


def refuse_wrong_rate(attrs: dict[str, Any]) -> None:
    """A category and a rate must not contradict each other: one of them is a mistake about tax."""
    if not rate_fits(attrs.get("tax_category"), attrs["tax_rate"]):
        raise serializers.ValidationError(
            {"tax_rate": "This rate does not go with the tax category."}, code="tax-category"
        )


class AdjustmentInput(Input):
    """An allowance or a charge of a line."""

    amount = DecimalText(digits=DIGITS, places=4, min_value=ZERO)
    reason = Text(max_length=200)


class DocumentAdjustmentInput(AdjustmentInput):
    """An allowance or a charge of the whole document, which has a tax of its own."""

    tax_rate = rate()
    tax_category = Choice(choices=CATEGORIES, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Category and rate agree."""
        refuse_wrong_rate(attrs)
        return attrs


def adjustments(form: type[AdjustmentInput]) -> ListSerializer[Any]:
    """Allowances or charges; there may be none."""
    return ListSerializer(child=form(), required=False, max_length=MAX_ADJUSTMENTS)


class InvoiceLineInput(Input):
    """One line. A negative quantity is something that came back; the price is never negative
    (EN 16931 BR-27).
    """

    examples = {**LINE, "allowances": [], "charges": [], "exemption_reason": "Only where exempt"}

    description = Text(max_length=500)
    quantity = DecimalText(digits=12, places=6, zero=False)
    unit_price = DecimalText(digits=12, places=6, min_value=ZERO)
    tax_rate = rate()
    unit = Text(max_length=10, required=False)
    tax_category = Choice(choices=CATEGORIES, required=False)
    exemption_reason = Text(max_length=200, required=False)
    base_quantity = DecimalText(
        digits=12, places=6, min_value=ZERO, zero=False, required=False
    )  # prices are divided by it
    allowances = adjustments(AdjustmentInput)
    charges = adjustments(AdjustmentInput)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Category and rate agree, and who is exempt says why (BR-E-10)."""
        refuse_wrong_rate(attrs)
        if attrs.get("tax_category") == "E" and "exemption_reason" not in attrs:
            raise serializers.ValidationError(
                {"exemption_reason": "Category E needs the reason of the exemption."},
                code="required",
            )
        return attrs


class InvoiceInput(Input):
    """A draft as it comes in."""

    examples = {**DOCUMENT, "allowances": [], "charges": []}

    customer = Id()
    currency = Choice(choices=CURRENCIES)
    lines: ListSerializer[Any] = ListSerializer(
        child=InvoiceLineInput(), allow_empty=False, max_length=settings.LIMITS["invoice_lines"]
    )
    due_on = Day(required=False, allow_null=True)
    delivered_on = Day(required=False, allow_null=True)
    allowances = adjustments(DocumentAdjustmentInput)
    charges = adjustments(DocumentAdjustmentInput)
    prepaid = DecimalText(digits=DIGITS, places=4, min_value=ZERO, required=False, allow_null=True)
    rounding = DecimalText(digits=DIGITS, places=4, required=False, allow_null=True)
    buyer_reference = Text(max_length=200, required=False, allow_null=True)
    note = Text(max_length=2000, multiline=True, required=False, allow_null=True)
    internal_note = Text(max_length=2000, multiline=True, required=False, allow_null=True)


class IssuanceInput(Input):
    """When an invoice is issued and when it is due; both have a default."""

    issued_on = Day(required=False, allow_null=True)
    due_on = Day(required=False, allow_null=True)


class CancellationInput(Input):
    """Why an invoice is taken back."""

    reason = Text(max_length=500, required=False, allow_null=True)


class PaymentInput(Input):
    """Money that came in."""

    examples = {"amount": "20.00", "method": "bank transfer", "reference": "Statement 7"}

    amount = DecimalText(digits=DIGITS, places=4, min_value=ZERO, zero=False)
    received_on = Day(required=False, allow_null=True)
    method = Text(max_length=50, required=False, allow_null=True)
    reference = Text(max_length=200, required=False, allow_null=True)


class CreditedLineInput(Input):
    """How much of a line is taken back; of a negative quantity, a negative one."""

    examples = {"quantity": "1"}

    invoice_line = Id()
    quantity = DecimalText(digits=12, places=6, zero=False)


class CreditNoteInput(Input):
    """Which lines are taken back, and why."""

    examples = {"reason": "One came back"}

    reason = Text(max_length=500)
    lines: ListSerializer[Any] = ListSerializer(
        child=CreditedLineInput(), allow_empty=False, max_length=settings.LIMITS["invoice_lines"]
    )


class InvoiceFilters(Filters):
    """What a list of invoices can be narrowed by; `due_before` and `due_after` leave out the day
    itself.
    """

    lookups = {"customer": "customer_id", "due_before": "due_on__lt", "due_after": "due_on__gt"}

    status = Choice(choices=STATUSES, required=False)
    customer = Id(required=False)
    currency = Choice(choices=CURRENCIES, required=False)
    due_before = Day(required=False)
    due_after = Day(required=False)


class AdjustmentOutput(serializers.Serializer[Any]):
    """An allowance or a charge of a line."""

    amount = serializers.CharField()
    reason = serializers.CharField()


class DocumentAdjustmentOutput(AdjustmentOutput):
    """An allowance or a charge of the whole document."""

    tax_rate = serializers.CharField()
    tax_category = serializers.CharField(required=False)


class InvoiceLineOutput(Output):
    """One line; what was not given for it is absent."""

    access = LINE_FIELDS
    examples = {**LINE, "amount": "99.00"}

    id = serializers.UUIDField()
    description = serializers.CharField()
    quantity = Number()
    unit_price = UnitPrice(digits=12, places=6, min_value=ZERO)
    tax_rate = Number(digits=3, places=2, zeros=2, min_value=ZERO)
    amount = Money()
    unit = serializers.CharField(required=False)
    tax_category = serializers.CharField(required=False)
    exemption_reason = serializers.CharField(required=False)
    base_quantity = Number(required=False)
    allowances = AdjustmentOutput(many=True, required=False)
    charges = AdjustmentOutput(many=True, required=False)


class InvoiceOutput(Output):
    """An invoice as its reader may see it; lists leave out its lines."""

    access = INVOICE_FIELDS
    summary = frozenset({"lines"})
    examples = {**DOCUMENT, **TOTALS, "status": "draft", "number": None, "amount_paid": "0.00"}

    id = serializers.UUIDField()
    number = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(choices=STATUSES)
    customer = serializers.UUIDField(source="customer_id")
    currency = serializers.CharField()
    lines = InvoiceLineOutput(many=True, source="positions")
    subtotal = Money()
    tax_total = Money()
    total = Money()
    amount_paid = Money()
    amount_due = Money()
    issued_on = serializers.DateField(allow_null=True)
    due_on = serializers.DateField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    note = serializers.CharField(allow_null=True)
    allowances = DocumentAdjustmentOutput(many=True, required=False)
    charges = DocumentAdjustmentOutput(many=True, required=False)
    prepaid = Money(required=False)
    rounding = Money(required=False)
    delivered_on = serializers.DateField(required=False)
    buyer_reference = serializers.CharField(required=False)
    internal_note = serializers.CharField(allow_null=True)


class PaymentOutput(Output):
    """A payment; `reversed_at` says when it was taken back, if it was."""

    access = PAYMENT_FIELDS
    examples = {**PaymentInput.examples, "currency": "EUR", "reversed_at": None}

    id = serializers.UUIDField()
    invoice = serializers.UUIDField(source="invoice_id")
    amount = Money()
    currency = serializers.CharField()
    received_on = serializers.DateField()
    method = serializers.CharField(allow_null=True)
    reference = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    reversed_at = serializers.DateTimeField(allow_null=True)


class CreditedLineOutput(Output):
    """What is taken back of one line."""

    access = CREDITED_LINE_FIELDS
    examples = {name: LINE[name] for name in ("description", "unit_price", "tax_rate")} | {
        "quantity": "1",
        "amount": "49.50",
    }

    invoice_line = serializers.UUIDField(source="invoice_line_id")
    description = serializers.CharField(source="invoice_line.description")
    quantity = Number()
    unit_price = UnitPrice(source="invoice_line.unit_price", digits=12, places=6, min_value=ZERO)
    tax_rate = Number(source="invoice_line.tax_rate", digits=3, places=2, zeros=2, min_value=ZERO)
    amount = Money()


class CreditNoteOutput(Output):
    """A credit note; its amounts are what is taken back. Lists leave out its lines."""

    access = CREDIT_NOTE_FIELDS
    summary = frozenset({"lines"})
    examples = {
        **{"number": "CN-2030-000001", "currency": "EUR", "reason": "One came back"},
        **{"subtotal": "49.50", "tax_total": "9.41", "total": "58.91"},
    }

    id = serializers.UUIDField()
    number = serializers.CharField()
    invoice = serializers.UUIDField(source="invoice_id")
    currency = serializers.CharField()
    reason = serializers.CharField(allow_null=True)
    lines = CreditedLineOutput(many=True, source="positions")
    subtotal = Money()
    tax_total = Money()
    total = Money()
    issued_on = serializers.DateField()
    created_at = serializers.DateTimeField()
    allowances = DocumentAdjustmentOutput(many=True, required=False)
    charges = DocumentAdjustmentOutput(many=True, required=False)
