"""Activity as a Django app: it keeps what the stages notice."""

from django.apps import AppConfig


class ActivityConfig(AppConfig):
    """Connect the signal of the kit."""

    name = "apps.activity"

    def ready(self) -> None:
        """Listen once the models are loaded."""
        from apps.activity.services import raise_alert
        from saas.alerts import noticed

        noticed.connect(raise_alert, dispatch_uid="activity.noticed")
