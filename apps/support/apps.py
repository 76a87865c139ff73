"""Support access as a Django app: it writes down what its keys are used for."""

from django.apps import AppConfig


class SupportConfig(AppConfig):
    """Be told of every use of a key, and read its name with it."""

    name = "apps.support"
    routes = "api/v1/"

    def ready(self) -> None:
        """Once the models are loaded."""
        from apps.integrations.services import BOUND
        from apps.support.queries import is_of_grant
        from apps.support.services import note_view, revoke_grants_of
        from saas.authentication.lookup import KEY
        from saas.authentication.revocation import membership_ended
        from saas.authentication.usage import credential_used

        BOUND.append(is_of_grant)
        KEY.columns.append("name")  # so that nobody else's call asks the database whose key it is
        credential_used.connect(note_view, dispatch_uid="support.viewed")
        membership_ended.connect(revoke_grants_of, dispatch_uid="support.member-left")
