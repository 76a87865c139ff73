"""An invoice, what is paid for it and what is taken back; it keeps its parties as they were."""

from decimal import Decimal
from typing import Any

from django.db import models
from django.utils import timezone

from apps.customers.models import Customer
from saas.persistence.encryption import EncryptedText
from saas.persistence.guards import AppendOnly
from saas.persistence.tenant import Life, TenantModel, tenant_reference

MOVES = {
    "draft": ("issued", "paid"),
    "issued": ("paid", "void"),
    "paid": ("issued", "void"),
    "void": (),
}
STATUSES = tuple(MOVES)
AMOUNT: dict[str, Any] = {"max_digits": 20, "decimal_places": 4}
ZERO = Decimal(0)


class Invoice(TenantModel):
    """A claim for money; only a draft may change, and the database sees to it."""

    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    drafted_by_id = models.UUIDField(editable=False)
    status = models.CharField(max_length=10, choices=[(s, s) for s in STATUSES], default="draft")
    number = models.CharField(max_length=40, null=True, editable=False)  # noqa: DJ001  # a draft has none
    currency = models.CharField(max_length=3)
    issued_on = models.DateField(null=True)
    due_on = models.DateField(null=True)
    delivered_on = models.DateField(null=True)
    seller = models.JSONField(default=dict)
    buyer = models.JSONField(default=dict)
    buyer_email = EncryptedText(null=True)
    buyer_tax_id = EncryptedText(null=True)
    buyer_reference = models.CharField(max_length=200, null=True)  # noqa: DJ001  # absent differs from empty
    note = models.TextField(null=True)  # noqa: DJ001  # as above
    internal_note = models.TextField(null=True)  # noqa: DJ001  # as above
    allowances = models.JSONField(default=list)
    charges = models.JSONField(default=list)
    prepaid = models.DecimalField(**AMOUNT, null=True)
    rounding = models.DecimalField(**AMOUNT, null=True)
    subtotal = models.DecimalField(**AMOUNT)
    tax_total = models.DecimalField(**AMOUNT)
    total = models.DecimalField(**AMOUNT)
    amount_paid = models.DecimalField(**AMOUNT, default=ZERO)
    amount_credited = models.DecimalField(**AMOUNT, default=ZERO)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=1)

    life = Life(
        "status", MOVES, still=("status", "amount_paid", "amount_credited", "updated_at", "version")
    )

    positions: "list[InvoiceLine]"  # the lines in their order, where queries.invoices() read them

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "number"], name="one_invoice_for_each_number"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=STATUSES), name="an_invoice_has_a_known_status"
            ),
            models.CheckConstraint(
                condition=models.Q(status="draft", number=None)
                | ~models.Q(status="draft") & ~models.Q(number=None),
                name="an_invoice_is_numbered_when_it_is_no_draft",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    subtotal__gte=0,
                    tax_total__gte=0,
                    total__gte=0,
                    amount_paid__gte=0,
                    amount_credited__gte=0,
                ),
                name="an_invoice_claims_nothing_negative",
            ),
            models.CheckConstraint(
                condition=models.Q(amount_credited__lte=models.F("total")),
                name="no_more_is_credited_than_was_claimed",
            ),
            tenant_reference(),
        ]
        indexes = [
            models.Index(fields=["tenant", "created_at", "id"], name="invoices_by_creation"),
            models.Index(fields=["tenant", "total", "id"], name="invoices_by_total"),
            models.Index(fields=["tenant", "due_on", "id"], name="invoices_by_due_date"),
            models.Index(fields=["tenant", "status", "id"], name="invoices_by_status"),
            models.Index(fields=["tenant", "customer", "id"], name="invoices_by_customer"),
        ]

    @property
    def is_draft(self) -> bool:
        """Whether it may still change."""
        return self.status == "draft"

    @property
    def amount_due(self) -> Decimal:
        """What remains to be paid (BT-115): the total less what was paid before and since, and
        less what was taken back; of a void invoice nothing.
        """
        if self.status == "void":
            return ZERO
        claimed = self.total - (self.prepaid or ZERO) + (self.rounding or ZERO)
        return claimed - self.amount_paid - self.amount_credited

    def settle(self) -> None:
        """The state that follows from the money: void when all of it was taken back, paid when
        nothing is due. What is void stays void.
        """
        if self.status == "void":
            return
        if self.amount_credited and self.amount_credited == self.total and not self.amount_paid:
            self.status = "void"
        else:
            self.status = "issued" if self.amount_due else "paid"


class InvoiceLine(TenantModel):
    """One position of an invoice."""

    invoice = models.ForeignKey(
        Invoice, on_delete=models.CASCADE, related_name="lines", db_index=False
    )
    position = models.PositiveSmallIntegerField()
    description = models.CharField(max_length=500)
    quantity = models.DecimalField(max_digits=18, decimal_places=6)
    unit_price = models.DecimalField(max_digits=20, decimal_places=6)
    tax_rate = models.DecimalField(max_digits=5, decimal_places=2)
    unit = models.CharField(max_length=10, null=True)  # noqa: DJ001  # absent differs from empty
    tax_category = models.CharField(max_length=2, null=True)  # noqa: DJ001  # as above
    exemption_reason = models.CharField(max_length=200, null=True)  # noqa: DJ001  # as above
    base_quantity = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    allowances = models.JSONField(default=list)
    charges = models.JSONField(default=list)
    amount = models.DecimalField(**AMOUNT)

    part_of = "invoice"

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "invoice", "position"], name="one_line_for_each_position"
            ),
            tenant_reference(),
        ]

    @property
    def currency(self) -> str:
        """That of its invoice, which is at hand wherever lines are read."""
        return self.invoice.currency


class NumberSeries(TenantModel):
    """The last number that was given in one series and year; it moves with the act or not at
    all.
    """

    series = models.CharField(max_length=10)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "series", "year"], name="one_counter_for_each_series_and_year"
            ),
            tenant_reference(),
        ]


class Payment(TenantModel, AppendOnly):
    """Money that came in for an invoice; what was wrong is reversed and never rewritten."""

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="payments")
    amount = models.DecimalField(**AMOUNT)
    received_on = models.DateField()
    method = models.CharField(max_length=50, null=True)  # noqa: DJ001  # absent differs from empty
    reference = models.CharField(max_length=200, null=True)  # noqa: DJ001  # as above
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        constraints = [
            models.CheckConstraint(
                condition=models.Q(amount__gt=0), name="a_payment_is_more_than_nothing"
            ),
            tenant_reference(),
        ]
        indexes = [models.Index(fields=["tenant", "invoice", "id"], name="payments_by_invoice")]

    @property
    def currency(self) -> str:
        """That of its invoice, which is read with it."""
        return self.invoice.currency

    @property
    def reversed_at(self) -> Any:
        """When it was taken back, if it was."""
        return self.reversal.created_at if hasattr(self, "reversal") else None


class PaymentReversal(TenantModel, AppendOnly):
    """That a payment was taken back, which can happen once."""

    payment = models.OneToOneField(Payment, on_delete=models.PROTECT, related_name="reversal")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        constraints = [tenant_reference()]


class CreditNote(TenantModel, AppendOnly):
    """What is taken back of an invoice: it is frozen from its first moment."""

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="credit_notes")
    number = models.CharField(max_length=40)
    reason = models.CharField(max_length=500, null=True)  # noqa: DJ001  # absent differs from empty
    currency = models.CharField(max_length=3)
    issued_on = models.DateField()
    allowances = models.JSONField(default=list)
    charges = models.JSONField(default=list)
    subtotal = models.DecimalField(**AMOUNT)
    tax_total = models.DecimalField(**AMOUNT)
    total = models.DecimalField(**AMOUNT)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    positions: "list[CreditNoteLine]"  # the lines in their order, where queries read them

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "number"], name="one_credit_note_for_each_number"
            ),
            models.CheckConstraint(
                condition=models.Q(subtotal__gte=0, tax_total__gte=0, total__gte=0),
                name="a_credit_note_claims_nothing_back",
            ),
            tenant_reference(),
        ]
        indexes = [models.Index(fields=["tenant", "invoice", "id"], name="credit_notes_by_invoice")]


class CreditNoteLine(TenantModel, AppendOnly):
    """How much of one line is taken back. It is written before its credit note: none joins one
    that stands.
    """

    credit_note = models.ForeignKey(CreditNote, on_delete=models.PROTECT, related_name="lines")
    invoice_line = models.ForeignKey(InvoiceLine, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()
    quantity = models.DecimalField(max_digits=18, decimal_places=6)
    amount = models.DecimalField(**AMOUNT)

    part_of = "credit_note"

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "credit_note", "invoice_line"],
                name="each_line_once_on_a_credit_note",
            ),
            tenant_reference(),
        ]

    @property
    def currency(self) -> str:
        """That of its credit note, which is at hand wherever lines are read."""
        return self.credit_note.currency
