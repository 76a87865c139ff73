"""What was revoked stays revoked, also where a backup is older than the revocation."""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.db.models import QuerySet
from oauth2_provider.models import get_grant_model

from apps.integrations import grants, services
from apps.integrations.models import ApiKey
from apps.organizations.access import OrganizationEvent
from apps.organizations.models import Membership
from apps.organizations.services import end_membership
from saas.tenancy.binding import bound_tenant


class Power(NamedTuple):
    """Those rows of a kind that still open something, and how one is ended."""

    living: Callable[[], QuerySet[Any]]
    end: Callable[[Any], None]


def end_member(row: Membership) -> None:
    """Somebody who was removed is no member any more."""
    end_membership(None, row, OrganizationEvent.MEMBER_REMOVED)


POWERS = {  # by the kind that the trail names
    "apikey": Power(
        lambda: ApiKey.objects.filter(revoked_at=None),
        lambda key: services.revoke_key(None, key, why="revoked before the restore"),
    ),
    "oauthgrant": Power(
        lambda: get_grant_model().objects.filter(ended_at=None, organization_id=bound_tenant()),
        lambda grant: grants.revoke_grant(None, grant),
    ),
    "membership": Power(lambda: Membership.objects.all(), end_member),
}


def living(ended: frozenset[tuple[str, str]]) -> list[tuple[str, Any]]:
    """The rows of the bound tenant that were ended, as somebody outside saw, and live here."""
    return [
        (kind, row)
        for kind, power in POWERS.items()
        for row in power.living().filter(pk__in=[id for name, id in ended if name == kind])
    ]
