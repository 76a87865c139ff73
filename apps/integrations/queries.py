"""Which credentials there are."""

from uuid import UUID

from django.db.models import CharField, QuerySet, UUIDField, Value

from apps.integrations.models import ApiKey
from saas.authentication.models import UsableKeys


def keys() -> UsableKeys:
    """The keys of the bound organization, with their makers; revoked ones too."""
    return ApiKey.objects.select_related("creator")


def standing_keys() -> UsableKeys:
    """Those that nobody has revoked. An expired one stays, so that its owner sees why it fails."""
    return keys().filter(revoked_at=None)


def unlocked_key(id: UUID) -> QuerySet[ApiKey]:
    """One key, or none while another request changes it."""
    return ApiKey.objects.filter(pk=id).select_for_update(skip_locked=True, no_key=True)


def integrations() -> QuerySet[ApiKey]:
    """Everything that connects another system to the organization, in one shape."""
    return standing_keys().annotate(
        kind=Value("api-key", CharField()), approved_by=Value(None, UUIDField())
    )
