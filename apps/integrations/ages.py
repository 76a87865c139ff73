"""How old an organization lets its keys become."""

from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from apps.organizations.controls import whole_number
from saas.authentication.credentials import unauthorized
from saas.authentication.demands import Policy
from saas.context import Principal, PrincipalKind


def demand_young_key(request: HttpRequest, principal: Principal, asked: Policy) -> None:
    """401 for a key that is older than its organization lets keys become, whatever its own end."""
    days = asked[KEY_AGE.name]
    if days is None or principal.kind != PrincipalKind.API_KEY:
        return
    if timezone.now() - principal.credential.created_at >= timedelta(days=days):
        raise unauthorized("This API key is not valid.", error="invalid_token")


KEY_AGE = whole_number(
    "key_max_age_days",
    "Days after which an API key opens nothing; new ones end by then. null: as for everybody.",
    settings.LIFETIMES.api_key.days,
    demand=demand_young_key,
)
