"""Activity as a Django app: it keeps what the stages notice."""

from django.apps import AppConfig


class ActivityConfig(AppConfig):
    """Connect the signal of the kit."""

    name = "apps.activity"

    def ready(self) -> None:
        """Listen once the models are loaded."""
        from apps.activity import services
        from saas.alerts import PLAYBOOKS, noticed
        from saas.authentication.attempts import network_shut
        from saas.authentication.stuffing import stuffing_noticed

        PLAYBOOKS.update({"sign-in.guessed": "failed-sign-ins", "task.dead": "dead-task"})
        noticed.connect(services.raise_alert, dispatch_uid="activity.noticed")
        network_shut.connect(services.alert_of_guesses, dispatch_uid="activity.network-shut")
        network_shut.connect(services.tell_operators_of_guesses, dispatch_uid="activity.house-shut")
        stuffing_noticed.connect(services.tell_operators_of_stuffing, dispatch_uid="activity.house")
