"""Which credentials there are."""

from apps.integrations.models import ApiKey
from saas.authentication.models import UsableKeys


def keys() -> UsableKeys:
    """The keys of the bound organization, with their makers."""
    return ApiKey.objects.select_related("creator")


def live_keys() -> UsableKeys:
    """Those that open something now."""
    return keys().usable()
