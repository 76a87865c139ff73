"""Which credentials there are."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import CharField, F, Q, QuerySet, UUIDField, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.integrations.models import (
    ApiKey,
    OAuthAccessToken,
    OAuthGrant,
    OAuthRefreshToken,
)
from apps.organizations.queries import owners
from saas.authentication.models import UsableKeys
from saas.authentication.oauth.models import UsableTokens
from saas.context import Principal
from saas.tenancy.binding import BoundTenant

USE_NOTED_EVERY = timedelta(minutes=1)


def keys() -> UsableKeys:
    """The keys of the bound organization, with their makers; revoked ones too."""
    return ApiKey.objects.select_related("creator")


def standing_keys() -> UsableKeys:
    """Those that nobody has revoked. An expired one stays, so that its owner sees why it fails."""
    return keys().filter(revoked_at=None)


def locked_key(id: UUID) -> ApiKey:
    """One key, locked before its state is judged."""
    key: ApiKey = keys().select_for_update(of=("self",)).get(pk=id)
    return key


def keys_ending_within(days: int, now: datetime) -> UsableKeys:
    """Those that were made for longer, and whose people have not been told."""
    span = timedelta(days=days)
    ending = Q(expires_at__lte=now + span, expires_at__gt=F("created_at") + span)
    return keys().usable(now).filter(ending, unwarned(days))


def unwarned_key(id: UUID, days: int) -> QuerySet[ApiKey]:
    """One key, or none when another worker has told its people. The condition is on the row itself,
    so who waited for the row reads it again.
    """
    return ApiKey.objects.filter(unwarned(days), pk=id)


def unwarned(days: int) -> Q:
    """Neither told at this threshold nor at a nearer one."""
    return Q(warned_days=None) | Q(warned_days__gt=days)


def idle_keys(now: datetime) -> UsableKeys:
    """Those that nobody has used for too long, locked; one that was never used counts from its
    making. A honeytoken is there to lie about.
    """
    used = Coalesce("last_used_at", "created_at")
    idle = keys().usable(now).alias(used=used).filter(used__lt=now - settings.KEY_IDLE)
    return idle.filter(is_honeytoken=False).select_for_update(of=("self",), skip_locked=True)


def addresses_of_owners() -> list[str]:
    """Of the bound organization."""
    return list(owners().values_list("user__email", flat=True))


def unlocked_key(id: UUID) -> QuerySet[ApiKey]:
    """One key, or none while another request changes it."""
    return ApiKey.objects.filter(pk=id).select_for_update(skip_locked=True, no_key=True)


def use_is_news(principal: Principal) -> bool:
    """Whether the last noted use of a credential is long enough ago to be noted again."""
    used = principal.credential.last_used_at
    return used is None or timezone.now() - used > USE_NOTED_EVERY


def unlocked_token(id: UUID) -> UsableTokens:
    """One access token, or none while another request changes it."""
    return OAuthAccessToken.objects.filter(pk=id).select_for_update(skip_locked=True, no_key=True)


def living_token(checksum: str) -> Any:
    """The access or refresh token with this checksum, if it opens something; of whatever
    organization, since only who has seen the secret knows it.
    """
    now = timezone.now()
    access = OAuthAccessToken.objects.usable(now).filter(token_checksum=checksum)
    refresh = OAuthRefreshToken.objects.filter(token_checksum=checksum, revoked=None)
    return access.first() or refresh.filter(grant__expires__gt=now).first()


def unlocked_grant(id: UUID) -> QuerySet[OAuthGrant]:
    """One grant, or none while another request changes it."""
    return OAuthGrant.objects.filter(pk=id).select_for_update(skip_locked=True, no_key=True)


def living_grants() -> QuerySet[OAuthGrant]:
    """What people allow clients at this moment, with both; also a code that is on its way."""
    grants = OAuthGrant.objects.select_related("application", "user")
    return grants.filter(ended_at=None, expires__gt=timezone.now())


def connected_keys() -> QuerySet[ApiKey]:
    """The keys, in the shape in which everything connected is listed."""
    return standing_keys().annotate(
        kind=Value("api-key", CharField()), approved_by=Value(None, UUIDField())
    )


def connected_grants() -> QuerySet[OAuthGrant]:
    """The grants for the bound organization, in the same shape; who allowed one also made it."""
    return (
        living_grants()
        .filter(organization_id=BoundTenant())
        .annotate(
            kind=Value("oauth-grant", CharField()),
            name=F("application__name"),
            creator_id=F("user_id"),
            approved_by=F("user_id"),
            created_at=F("created"),
            expires_at=F("expires"),
        )
    )
