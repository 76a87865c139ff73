"""Which credentials there are."""

from datetime import timedelta
from uuid import UUID

from django.db.models import CharField, F, QuerySet, UUIDField, Value
from django.utils import timezone

from apps.integrations.models import ApiKey, OAuthAccessToken, OAuthGrant
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
