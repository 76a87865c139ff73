"""The kit as a Django app: it connects what the rooms tell each other by signals."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class SaasConfig(AppConfig):
    """Register the checks, the role check at the first connection and the schema's extensions."""

    name = "saas"
    label = "saas"

    def ready(self) -> None:
        """Connect everything once the models are loaded."""
        from saas import (
            checks,  # noqa: F401  # registers itself
            counters,
        )
        from saas.audit import moves
        from saas.authentication.demands import entering
        from saas.persistence.owner import refuse_powerful_role
        from saas.tenancy.entrance import refuse_unwelcome
        from saas.throttling.limits import moved

        entering.connect(refuse_unwelcome, dispatch_uid="saas.entering")
        moved.connect(moves.record, dispatch_uid="saas.moved")
        connection_created.connect(refuse_powerful_role, dispatch_uid="saas.role")
        counters.local()  # or the first two threads of an outage would count each for itself
