"""Integrations as a Django app: it listens for what uses or ends a credential."""

from typing import Any

from django.apps import AppConfig

from saas.context import Principal, PrincipalKind
from saas.edge.log import Facts


class IntegrationsConfig(AppConfig):
    """Connect the signals of earlier rooms."""

    name = "apps.integrations"

    def ready(self) -> None:
        """Listen once the models are loaded."""
        from apps.integrations.access import PLAYBOOKS
        from apps.integrations.ages import KEY_AGE
        from apps.integrations.exposure import KEEP_EXPOSED, revoke_exposed
        from apps.integrations.grants import note_end
        from apps.integrations.misuse import tell_of_misuse
        from apps.integrations.services import HIGH_RISK
        from apps.integrations.suspicion import end_suspected
        from saas import alerts
        from saas.authentication import demands
        from saas.authentication.misuse import key_misused
        from saas.authentication.oauth.families import family_ended
        from saas.authentication.revocation import membership_ended, suspected
        from saas.authentication.usage import credential_used
        from saas.edge.exposure import credential_exposed

        alerts.PLAYBOOKS.update(PLAYBOOKS)
        demands.join(HIGH_RISK, KEY_AGE, KEEP_EXPOSED)
        credential_exposed.connect(revoke_exposed, dispatch_uid="integrations.exposed")
        key_misused.connect(tell_of_misuse, dispatch_uid="integrations.misused")
        family_ended.connect(note_end, dispatch_uid="integrations.family-ended")
        suspected.connect(end_suspected, dispatch_uid="integrations.suspected")
        membership_ended.connect(revoke_keys, dispatch_uid="integrations.member-left")
        credential_used.connect(note_key, dispatch_uid="integrations.used")


def revoke_keys(actor: Any, user_id: Any, **_: Any) -> None:
    """What a person made or allowed dies when they leave."""
    from apps.integrations.grants import revoke_grants_of
    from apps.integrations.services import revoke_keys_of

    revoke_grants_of(actor, user_id)
    revoke_keys_of(actor, user_id)


def note_key(principal: Principal, facts: Facts, **_: Any) -> None:
    """Remember when a credential was used last, and say of a key that it had slept."""
    from apps.integrations.grants import note_token_use
    from apps.integrations.services import AWAKE, has_slept, note_use

    if principal.kind != PrincipalKind.API_KEY:
        note_token_use(principal)
        return
    if has_slept(principal):
        facts.events.append(AWAKE)
    note_use(principal)
