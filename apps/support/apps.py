"""Support access as a Django app: it writes down what its keys are used for."""

from django.apps import AppConfig


class SupportConfig(AppConfig):
    """Be told of every use of a key, and read its name with it."""

    name = "apps.support"
    routes = "api/v1/"

    def ready(self) -> None:
        """Once the models are loaded."""
        from apps.support.services import note_view
        from saas.authentication.lookup import KEY
        from saas.authentication.usage import credential_used

        KEY.columns.append("name")  # so that nobody else's call asks the database whose key it is
        credential_used.connect(note_view, dispatch_uid="support.viewed")
