"""Risk as a Django app: it listens, and the limiter asks it."""

from django.apps import AppConfig


class RiskConfig(AppConfig):
    """Everything that the rest of the project knows of this module stands here."""

    name = "saas.throttling.risk"
    label = "risk"

    def ready(self) -> None:
        """Join once the models are loaded."""
        from saas.alerts import noticed, tightened
        from saas.edge import log, networks
        from saas.throttling import limits
        from saas.throttling.risk import checks, hearing  # noqa: F401  # checks register themselves

        log.LISTENERS.append(hearing.line)
        noticed.connect(hearing.alert, dispatch_uid="risk.noticed")
        tightened.connect(hearing.tighten, dispatch_uid="risk.tightened")
        limits.FACTORS.append(hearing.factor)
        networks.PASSES.append(hearing.may_pass)
