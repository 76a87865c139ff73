"""An invoice and its lines; the buyer is kept on it as they were."""

from decimal import Decimal
from typing import Any

from django.db import models
from django.utils import timezone

from apps.customers.models import Customer
from saas.persistence.encryption import EncryptedText
from saas.persistence.tenant import TenantModel, tenant_reference

STATUSES = ("draft", "issued", "paid", "void")
AMOUNT: dict[str, Any] = {"max_digits": 20, "decimal_places": 4}
ZERO = Decimal(0)


class Invoice(TenantModel):
    """A claim for money; only a draft may change."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    drafted_by_id = models.UUIDField(editable=False)
    status = models.CharField(max_length=10, choices=[(s, s) for s in STATUSES], default="draft")
    number = models.CharField(max_length=40, null=True, editable=False)  # noqa: DJ001  # a draft has none
    currency = models.CharField(max_length=3)
    issued_on = models.DateField(null=True)
    due_on = models.DateField(null=True)
    delivered_on = models.DateField(null=True)
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
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=1)

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
                    subtotal__gte=0, tax_total__gte=0, total__gte=0, amount_paid__gte=0
                ),
                name="an_invoice_claims_nothing_negative",
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
        """What remains to be paid (BT-115): the total less what was paid before and since."""
        return self.total - (self.prepaid or ZERO) + (self.rounding or ZERO) - self.amount_paid


class InvoiceLine(TenantModel):
    """One position of an invoice."""

    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="lines")
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
