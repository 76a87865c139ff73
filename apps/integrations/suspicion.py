"""A caller looks wrong to the watch: what they hold ends, and its person is told why."""

from typing import Any
from uuid import UUID

from apps.integrations import queries, services
from apps.integrations.grants import revoke_grant, revoke_grants_of
from apps.integrations.models import OAuthAccessToken
from saas.authentication.oauth import families
from saas.persistence import letters
from saas.tenancy.binding import bound_tenant


def end_suspected(principal_id: UUID, reason: str, person_only: bool, **_: Any) -> bool:
    """Whether there was anything to end. A person signs in again and goes on; a key stays dead; a
    service gets new tokens with its secret, so whoever took only a token is out.
    """
    if revoke_grants_of(None, principal_id) or end_family(principal_id):
        return True
    return not person_only and (end_key(principal_id, reason) or end_service(principal_id))


def end_family(grant_id: UUID) -> bool:
    """Whether one consent of a person was ended."""
    grant = families.locked(pk=grant_id, organization_id=bound_tenant(), ended_at=None)
    if grant is None:
        return False
    revoke_grant(None, grant)
    return True


def end_key(key_id: UUID, reason: str) -> bool:
    """Whether a standing key was revoked."""
    key = queries.standing_keys().select_for_update(of=("self",)).filter(pk=key_id).first()
    if key is None:
        return False
    services.revoke_key(None, key, why=reason)
    letters.post(
        to=key.creator.email,
        subject="An API key of yours was revoked",
        text=(
            f"What was done with the key {key.prefix} looked wrong ({reason}), and your "
            "organization lets the watch end such a key.\n"
            "It opens nothing any more. If it was you, make a new one.\n"
        ),
    )
    return True


def end_service(client_id: UUID) -> bool:
    """Whether a client held tokens of its own."""
    held = OAuthAccessToken.objects.filter(
        application_id=client_id, organization_id=bound_tenant(), user=None
    )
    return bool(held.delete()[0])
