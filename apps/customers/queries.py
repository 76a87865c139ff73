"""Which customers there are."""

from functools import cache
from uuid import UUID

from django.db.models import QuerySet

from apps.customers.models import Customer
from saas.persistence.texts import Filled, Text


def customers() -> QuerySet[Customer]:
    """The customers of the bound organization."""
    return Customer.objects.all()


def kept_customer(id: UUID) -> Customer | None:
    """A customer of the bound organization, whom nobody deletes before the commit."""
    return next(iter(_text_of_kept().run(id=id)), None)


@cache
def _text_of_kept() -> Text:
    text = Text.of(
        lambda: (
            customers()
            .select_for_update(of=("self",), no_key=True)
            .filter(pk=Filled("id", Customer._meta.pk))
        )
    )
    # Many may refer to one customer at once; for that lock the ORM has no word.
    return text._replace(sql=text.sql.replace("FOR NO KEY UPDATE", "FOR KEY SHARE"))


def customers_with_email(rows: QuerySet[Customer], email: str) -> QuerySet[Customer]:
    """Those of `rows` with this address, found by its blind index."""
    index = Customer._meta.get_field("email_index")
    return rows.filter(email_index__in=list(index.all_of(email)))
