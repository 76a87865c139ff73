"""What waits, and who could decide it."""

from collections.abc import Mapping, Set
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from apps.approvals.models import APPROVED, PENDING, Approval
from apps.organizations.models import Membership
from apps.organizations.queries import kept_policy, members
from saas.authentication.demands import complete
from saas.authorization.approval import Act
from saas.context import Actor, roles


def approvals() -> QuerySet[Approval]:
    """The approvals of the bound organization."""
    return Approval.objects.all()


def pending() -> QuerySet[Approval]:
    """Those that nobody has decided."""
    return approvals().filter(state=PENDING)


def asked_for(actor: Actor, act: Act) -> Approval | None:
    """What this person has asked for in the same words and not done yet, locked; what was agreed
    to before what waits.
    """
    open_ones = approvals().filter(
        kind=act.kind,
        asked_by_id=actor.user_id,
        wanted=dict(act.wanted),
        state__in=(APPROVED, PENDING),
        used_at=None,
        expires_at__gt=timezone.now(),
    )
    return open_ones.order_by("state").select_for_update(of=("self",)).first()


def policy_for(actor: Actor, act: Act) -> Mapping[str, Any]:
    """What the organization asks for, as it was read with the credential; whoever changes it has
    locked it, and is held against what it is by now.
    """
    seen = actor.principal.seen
    is_known = seen and seen.tenant_id == actor.tenant_id and act.kind != "security-policy.change"
    return complete(seen.policy if seen and is_known else kept_policy())


def members_who_may(rights: Set[str]) -> QuerySet[Membership]:
    """The members who can sign in and hold all of these rights by their role."""
    able = [role for role, held in roles().items() if rights <= held]
    return members().filter(role__in=able, user__is_active=True).order_by("pk")


def role_today(user_id: UUID) -> str | None:
    """The role of a person who can sign in, in the bound organization."""
    mine = members().filter(user_id=user_id, user__is_active=True)
    return mine.values_list("role", flat=True).first()
