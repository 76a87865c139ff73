"""Who is invoiced in these tests."""

import pytest

from tests.apps.invoices.drafts import new_customer


@pytest.fixture
def customer(acme):
    """The id of a customer of Acme."""
    return new_customer(acme)
