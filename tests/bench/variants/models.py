"""The same tables as plain models: no tenant manager, nothing sealed, nothing recorded."""

from decimal import ROUND_HALF_UP, Decimal

from django.conf import settings
from django.db import models
from django.utils import timezone

from tests.bench.variants.ids import new_id

CENT = Decimal("0.01")


class Customer(models.Model):
    """Whom an organization invoices."""

    id = models.UUIDField(primary_key=True, default=new_id)
    tenant_id = models.UUIDField()
    name = models.CharField(max_length=200)
    country = models.CharField(max_length=2)
    address = models.JSONField(null=True)

    class Meta:
        managed = False
        db_table = "customers_customer"


class Invoice(models.Model):
    """An invoice with its amounts."""

    id = models.UUIDField(primary_key=True, default=new_id)
    tenant_id = models.UUIDField()
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT)
    drafted_by_id = models.UUIDField()
    status = models.CharField(max_length=10, default="draft")
    number = models.CharField(max_length=40, null=True)
    currency = models.CharField(max_length=3)
    issued_on = models.DateField(null=True)
    due_on = models.DateField(null=True)
    delivered_on = models.DateField(null=True)
    seller = models.JSONField(default=dict)
    buyer = models.JSONField(default=dict)
    buyer_reference = models.CharField(max_length=200, null=True)
    note = models.TextField(null=True)
    internal_note = models.TextField(null=True)
    allowances = models.JSONField(default=list)
    charges = models.JSONField(default=list)
    prepaid = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    rounding = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    subtotal = models.DecimalField(max_digits=20, decimal_places=4)
    tax_total = models.DecimalField(max_digits=20, decimal_places=4)
    total = models.DecimalField(max_digits=20, decimal_places=4)
    amount_paid = models.DecimalField(max_digits=20, decimal_places=4, default=Decimal("0.00"))
    amount_credited = models.DecimalField(max_digits=20, decimal_places=4, default=Decimal("0.00"))
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        managed = False
        db_table = "invoices_invoice"

    @property
    def amount_due(self):
        """What remains to be paid."""
        if self.status == "void":
            return Decimal("0.00")
        due = self.total - (self.prepaid or 0) + (self.rounding or 0)
        return due - self.amount_paid - self.amount_credited

    def price(self, lines):
        """Set the amounts of the lines and the totals: tax is rounded once for each rate."""
        rates = {}
        for line in lines:
            line.amount = (line.quantity * line.unit_price).quantize(CENT, ROUND_HALF_UP)
            rates[line.tax_rate] = rates.get(line.tax_rate, Decimal(0)) + line.amount
        self.subtotal = sum(rates.values())
        taxes = [
            (amount * rate / 100).quantize(CENT, ROUND_HALF_UP) for rate, amount in rates.items()
        ]
        self.tax_total = sum(taxes)
        self.total = self.subtotal + self.tax_total


class InvoiceLine(models.Model):
    """One position of an invoice."""

    id = models.UUIDField(primary_key=True, default=new_id)
    tenant_id = models.UUIDField()
    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveSmallIntegerField()
    description = models.CharField(max_length=500)
    quantity = models.DecimalField(max_digits=18, decimal_places=6)
    unit_price = models.DecimalField(max_digits=20, decimal_places=6)
    tax_rate = models.DecimalField(max_digits=5, decimal_places=2)
    unit = models.CharField(max_length=10, null=True)
    tax_category = models.CharField(max_length=2, null=True)
    exemption_reason = models.CharField(max_length=200, null=True)
    base_quantity = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    allowances = models.JSONField(default=list)
    charges = models.JSONField(default=list)
    amount = models.DecimalField(max_digits=20, decimal_places=4)

    class Meta:
        managed = False
        db_table = "invoices_invoiceline"
        ordering = ["position"]


if settings.VARIANT == "ck":

    class Membership(models.Model):
        """To which organization a user belongs."""

        user = models.OneToOneField(
            "auth.User", on_delete=models.CASCADE, related_name="membership"
        )
        tenant_id = models.UUIDField()

    class IdempotencyKey(models.Model):
        """What was answered under a key."""

        user = models.ForeignKey("auth.User", on_delete=models.CASCADE)
        key = models.CharField(max_length=255)
        fingerprint = models.CharField(max_length=64)
        response = models.JSONField(null=True)

        class Meta:
            constraints = [models.UniqueConstraint(fields=["user", "key"], name="once")]

    class AuditLog(models.Model):
        """What happened."""

        user = models.ForeignKey("auth.User", on_delete=models.CASCADE)
        event = models.CharField(max_length=60)
        object_id = models.UUIDField()
        at = models.DateTimeField(auto_now_add=True)
