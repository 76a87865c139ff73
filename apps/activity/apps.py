"""Activity as a Django app: it keeps what the stages notice."""

from django.apps import AppConfig


class ActivityConfig(AppConfig):
    """Connect the signal of the kit."""

    name = "apps.activity"

    def ready(self) -> None:
        """Listen once the models are loaded."""
        from apps.activity.services import alert_of_guesses, raise_alert
        from saas.alerts import PLAYBOOKS, noticed
        from saas.authentication.attempts import network_shut

        PLAYBOOKS.update({"sign-in.guessed": "failed-sign-ins", "task.dead": "dead-task"})
        noticed.connect(raise_alert, dispatch_uid="activity.noticed")
        network_shut.connect(alert_of_guesses, dispatch_uid="activity.network-shut")
