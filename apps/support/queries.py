"""Which grants there are, and which of them still let anybody in."""

from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from apps.integrations.models import ApiKey
from apps.organizations.access import Organizations
from apps.organizations.queries import members
from apps.support.models import SupportGrant
from saas.authorization.permissions import roles_with


def grants() -> QuerySet[SupportGrant]:
    """Those of the bound organization."""
    return SupportGrant.objects.all()


def living() -> QuerySet[SupportGrant]:
    """Those that nobody has revoked and that have not run out."""
    return grants().filter(revoked_at=None, expires_at__gt=timezone.now())


def locked_for(key_id: UUID) -> SupportGrant | None:
    """The grant that this key was made for, if it was made for one."""
    return grants().select_for_update(of=("self",)).filter(key_id=key_id).first()


def is_of_grant(key: ApiKey) -> bool:
    """Whether staff came in with this key."""
    return grants().filter(key=key).exists()


def may_grant_today(user_id: UUID) -> bool:
    """Whether this person could grant it at this moment."""
    able = roles_with(Organizations.WRITE)
    return members().filter(user_id=user_id, user__is_active=True, role__in=able).exists()
