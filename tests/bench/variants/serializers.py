"""The serializers of b, bk and ck: DRF's ModelSerializer, with an explicit list of fields."""

from django.db import transaction
from rest_framework import serializers

from tests.bench.variants.models import Customer, Invoice, InvoiceLine


def money(**options):
    """An amount with two decimals."""
    return serializers.DecimalField(max_digits=20, decimal_places=2, read_only=True, **options)


class LineSerializer(serializers.ModelSerializer):
    """One line."""

    quantity = serializers.DecimalField(max_digits=18, decimal_places=6, normalize_output=True)
    unit_price = serializers.DecimalField(max_digits=20, decimal_places=2, min_value=0)
    amount = money()

    class Meta:
        model = InvoiceLine
        fields = [
            *("id", "description", "quantity", "unit_price", "tax_rate", "amount", "unit"),
            *("tax_category", "exemption_reason", "base_quantity", "allowances", "charges"),
        ]
        read_only_fields = ["id"]


class InvoiceSummarySerializer(serializers.ModelSerializer):
    """An invoice in a list."""

    subtotal, tax_total, total = money(), money(), money()
    amount_paid, amount_due = money(), money()
    prepaid = serializers.DecimalField(max_digits=20, decimal_places=2, required=False)
    rounding = serializers.DecimalField(max_digits=20, decimal_places=2, required=False)

    class Meta:
        model = Invoice
        fields = [
            *("id", "number", "status", "customer", "currency", "subtotal", "tax_total", "total"),
            *("amount_paid", "amount_due", "issued_on", "due_on", "created_at", "updated_at"),
            *("note", "internal_note", "allowances", "charges", "prepaid", "rounding"),
            *("delivered_on", "buyer_reference"),
        ]
        read_only_fields = ["id", "number", "status", "issued_on", "created_at", "updated_at"]


class InvoiceSerializer(InvoiceSummarySerializer):
    """An invoice with its lines."""

    lines = LineSerializer(many=True)

    class Meta(InvoiceSummarySerializer.Meta):
        fields = [*InvoiceSummarySerializer.Meta.fields, "lines"]

    def validate_customer(self, customer: Customer):
        """Another tenant's customer is nobody's."""
        if str(customer.tenant_id) != str(self.context["tenant_id"]):
            raise serializers.ValidationError("There is no such customer.")
        return customer

    def create(self, validated_data):
        """The invoice, then its lines one by one, as DRF's page on nested writing does it."""
        tenant_id, drafted_by = self.context["tenant_id"], self.context["tenant_id"]
        entries = validated_data.pop("lines")
        customer = validated_data["customer"]
        invoice = Invoice(**validated_data, tenant_id=tenant_id, drafted_by_id=drafted_by)
        invoice.buyer = {
            "name": customer.name,
            "country": customer.country,
            "address": customer.address,
        }
        lines = [
            InvoiceLine(**entry, tenant_id=tenant_id, invoice=invoice, position=position)
            for position, entry in enumerate(entries, start=1)
        ]
        invoice.price(lines)
        with transaction.atomic():
            invoice.save()
            for line in lines:
                line.save()
        return invoice
