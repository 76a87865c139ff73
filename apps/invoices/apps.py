"""Invoices as a Django app: what they count joins the kit."""

from django.apps import AppConfig


class InvoicesConfig(AppConfig):
    """Issuing is an act of which a plan holds so many."""

    name = "apps.invoices"

    def ready(self) -> None:
        """Join once the models are loaded."""
        from apps.invoices.access import QUOTA
        from saas.persistence.quotas import ACTS

        ACTS.add(QUOTA)
