"""Integrations as a Django app: it listens for what ends a credential."""

from typing import Any

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    """Connect the signals of earlier rooms."""

    name = "apps.integrations"

    def ready(self) -> None:
        """Listen once the models are loaded."""
        from apps.integrations.exposure import revoke_exposed
        from saas.authentication.revocation import membership_ended
        from saas.edge.exposure import credential_exposed

        credential_exposed.connect(revoke_exposed, dispatch_uid="integrations.exposed")
        membership_ended.connect(revoke_keys, dispatch_uid="integrations.member-left")


def revoke_keys(actor: Any, user_id: Any, **_: Any) -> None:
    """A key dies when its maker leaves."""
    from apps.integrations.services import revoke_keys_of

    revoke_keys_of(actor, user_id)
