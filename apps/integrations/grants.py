"""What a person allowed a client: the trail and the person learn how it ends."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.integrations import queries
from apps.integrations.access import ClientEvent, GrantEvent
from apps.integrations.models import OAuthAccessToken, OAuthGrant
from saas.alerts import alert
from saas.audit import trail
from saas.authentication.oauth import families
from saas.authentication.oauth.tokens import checksum_of
from saas.context import Actor, Principal
from saas.persistence import letters
from saas.tenancy.binding import bind, bound_tenant

EVENTS = {"revoked": GrantEvent.REVOKED, "replayed": GrantEvent.REPLAYED}


def note_end(grant: OAuthGrant, why: str, **_: Any) -> None:
    """The authorization server ended a family: it stands in the organization's trail, and a person
    whose tokens were replayed is told.
    """
    with bind(grant.organization_id), trail.recording():
        trail.record(None, EVENTS[why], grant, user=str(grant.user_id))
        if why == "replayed":
            tell(grant, EVENTS[why], "were used a second time, which only a copy can explain")


def revoke_grant(actor: Actor | None, grant: OAuthGrant) -> None:
    """End what a person allowed: every token of it, from the next request on."""
    families.end(grant)
    trail.record(actor, GrantEvent.REVOKED, grant, user=str(grant.user_id))


def revoke_grants_of(actor: Actor | None, user_id: UUID) -> int:
    """End everything that a person allowed clients in the bound organization; tell how many."""
    ended = families.end_all(user_id=user_id, organization_id=bound_tenant())
    for grant in ended:
        trail.record(actor, GrantEvent.REVOKED, grant, user=str(user_id))
    return len(ended)


def end_compromised(secret: str, how: str, place: str, unless: Callable[[], bool]) -> bool:
    """End the family of a living token that others could read; a service's token ends alone."""
    with transaction.atomic():
        found: Any = queries.living_token(checksum_of(secret))
        if found is None:
            return False
        with bind(found.organization_id), trail.recording():
            if unless():
                return True
            if found.grant_id is None:
                end_service_token(found, how, place)
                return True
            grant = families.locked(pk=found.grant_id)
            if grant.ended_at is None:
                families.end(grant)
                trail.record(None, GrantEvent.EXPOSED, grant, why=how)
                tell(grant, GrantEvent.EXPOSED, f"were {how}{place}")
            return True


def end_service_token(token: OAuthAccessToken, how: str, place: str) -> None:
    """No person stands behind it: owners and admins are told by the alert."""
    client = token.application
    token.delete()
    trail.record(None, ClientEvent.TOKEN_EXPOSED, client, why=how)
    message = f"A token of {client.name} was {how}{place}; it opens nothing any more."
    alert(token.organization_id, ClientEvent.TOKEN_EXPOSED, message, row=client)


def tell(grant: OAuthGrant, event: GrantEvent, what: str) -> None:
    """Alert the organization, and write to the person whose tokens these were."""
    message = f"Tokens that {grant.application.name} held {what}; they open nothing any more."
    alert(grant.organization_id, event, message, row=grant)
    letters.post(
        to=grant.user.email,
        subject=f"{grant.application.name} has been disconnected",
        text=(
            f"Tokens that you allowed {grant.application.name} to hold {what}.\n"
            "They open nothing any more. Connect the application again if you still want it.\n"
        ),
    )


def note_token_use(principal: Principal) -> None:
    """Remember that a token was used, at most once a minute; nobody waits for it."""
    if queries.use_is_news(principal):
        noted = queries.unlocked_token(principal.credential.id).values("pk")
        now = timezone.now()
        OAuthAccessToken.objects.filter(pk__in=noted).update(last_used_at=now)
        if principal.credential.grant_id is not None:  # it outlives its tokens, so it is asked
            grant = queries.unlocked_grant(principal.credential.grant_id).values("pk")
            OAuthGrant.objects.filter(pk__in=grant).update(last_used_at=now)
