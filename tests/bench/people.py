"""Whom the requests come from: organizations with a key and customers, made by the product itself.

`python -m tests.bench.people` prints them as JSON; their secrets live as long as the run.
"""

import json
from typing import Any

CAST = ("hot", "small", "tiny")
CUSTOMERS = 20


def make() -> dict[str, Any]:
    """Each organization with its owner, its owner's key and its customers."""
    from apps.accounts.models import User
    from apps.organizations.services import founded
    from saas.authorization.permissions import known_permissions
    from saas.persistence.models import DataKey
    from saas.tenancy.binding import bind
    from tests.cast import make_key

    people = {}
    for name in CAST:
        owner = User.objects.create_user(f"owner@{name}.example", name=f"Owner of {name}")
        with founded(name.title(), name, owner=owner) as organization:
            customers = [customer(name, number) for number in range(CUSTOMERS)]
            for row in customers:
                row.save(force_insert=True)
        _, secret = make_key(organization.pk, owner, known_permissions())
        with bind(organization.pk):
            data_key = DataKey.objects.get().pk
        people[name] = {
            "tenant": str(organization.pk),
            "user": str(owner.pk),
            "key": secret,
            "data_key": str(data_key),
            "customers": [str(row.pk) for row in customers],
        }
    return people


def customer(name: str, number: int) -> Any:
    """A customer with everything that is sealed in the column."""
    from apps.customers.models import Customer, bank_token

    return Customer(
        name=f"Customer {number} of {name}",
        country="DE",
        email=f"billing.{number}@{name}-customer.example",
        address={"line1": f"Street {number}", "city": "Berlin", "country": "DE"},
        tax_id=f"DE{number:09}",
        iban="DE89370400440532013000",
        bank_token=bank_token(),
        bank_last4="3000",
    )


if __name__ == "__main__":
    import django

    django.setup()
    print(json.dumps(make()))
