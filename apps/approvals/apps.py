"""Approvals as a Django app: it keeps what waits for a second person."""

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    """Join the keepers of what waits, and the switches of an organization."""

    name = "apps.approvals"
    routes = "api/v1/"

    def ready(self) -> None:
        """Once the models are loaded."""
        from apps.approvals import queries, services, switches
        from apps.approvals.serializers import ApprovalOutput
        from saas.authentication import demands
        from saas.authorization.approval import KEEPERS, Keeper

        KEEPERS.append(
            Keeper(services.consider, queries.approvals, ApprovalOutput, "approvals"),
        )
        demands.join(switches.TWO_PERSONS, switches.INVOICES_OVER)
