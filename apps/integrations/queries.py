"""Which credentials there are."""

from datetime import timedelta
from uuid import UUID

from django.db.models import CharField, QuerySet, UUIDField, Value
from django.utils import timezone

from apps.integrations.models import ApiKey, OAuthAccessToken
from saas.authentication.models import UsableKeys
from saas.authentication.oauth.models import UsableTokens
from saas.context import Principal

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


def integrations() -> QuerySet[ApiKey]:
    """Everything that connects another system to the organization, in one shape."""
    return standing_keys().annotate(
        kind=Value("api-key", CharField()), approved_by=Value(None, UUIDField())
    )
