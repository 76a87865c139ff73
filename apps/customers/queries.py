"""Which customers there are."""

from django.db.models import QuerySet

from apps.customers.models import Customer


def customers() -> QuerySet[Customer]:
    """The customers of the bound organization."""
    return Customer.objects.all()


def customers_with_email(rows: QuerySet[Customer], email: str) -> QuerySet[Customer]:
    """Those of `rows` with this address, found by its blind index."""
    return rows.filter(email_index=Customer._meta.get_field("email_index").of(email))
