"""Which members and invitations there are."""

from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.organizations.access import POWERFUL, Members
from apps.organizations.models import Invitation, Membership, Organization, SecurityPolicy
from saas.authentication import demands
from saas.authentication.lookup import tenant_shown
from saas.context import roles
from saas.crypto import digests
from saas.persistence import quotas
from saas.tenancy.binding import bind, bound_tenant
from saas.tenancy.person import tenants_of


def organization() -> QuerySet[Organization]:
    """The bound organization, and no other."""
    return Organization.objects.filter(pk=bound_tenant())


class Usage(NamedTuple):
    """What the bound organization has used in this month."""

    plan: str
    period: quotas.Month
    quotas: list[quotas.Quota]


def usage() -> Usage:
    """As it is at this moment."""
    plan = organization().values_list("plan", flat=True).get()
    return Usage(plan, quotas.this_month(), quotas.quotas(plan))


def today() -> date:
    """The day that it is where the bound organization keeps its books."""
    return timezone.localdate(timezone=ZoneInfo(organization().get().time_zone))


def members() -> QuerySet[Membership]:
    """The members of the bound organization, with the person behind each."""
    return Membership.objects.select_related("user")


def owners() -> QuerySet[Membership]:
    """Its owners who can still sign in."""
    return Membership.objects.filter(role="owner", user__is_active=True)


def is_owner(user_id: UUID | None) -> bool:
    """Whether this person owns the bound organization at this moment."""
    return user_id is not None and owners().filter(user_id=user_id).exists()


def lock_owners() -> set[UUID]:
    """The ids of the owners' memberships, locked in one order, so that two who take each other's
    role wait for each other and do not deadlock.
    """
    rows = owners().order_by("pk").select_for_update(of=("self",))
    return set(rows.values_list("pk", flat=True))


def is_member(email: str) -> bool:
    """Whether a person with this address belongs here."""
    return members().filter(user__email__iexact=email).exists()


def open_invitations() -> QuerySet[Invitation]:
    """The invitations that can still be accepted."""
    return Invitation.objects.filter(expires_at__gt=timezone.now())


def lapsed_invitations(email: str | None = None) -> QuerySet[Invitation]:
    """Those, to this address or to any, that nobody accepted in time."""
    lapsed = Invitation.objects.filter(expires_at__lte=timezone.now())
    return lapsed if email is None else lapsed.filter(email=email)


def invitation_shown(secret: str) -> Invitation | None:
    """The open invitation with this secret, of whatever organization; its organization is loaded
    with it.
    """
    for digested in digests(secret, purpose="invitation"):
        with transaction.atomic():
            tenant_id = tenant_shown(Invitation, digested)
            if tenant_id is not None:
                with bind(tenant_id):
                    found = open_invitations().select_related("tenant")
                    return found.filter(digest=digested).first()
    return None


def may_invite(user_id: UUID | None, role: str) -> bool:
    """Whether this person may ask somebody to join the bound organization as `role`, at this
    moment. Their membership is locked, so that it does not end before the commit.
    """
    if user_id is None:
        return False
    mine = members().filter(user_id=user_id, user__is_active=True)
    membership = mine.select_for_update(of=("self",)).first()
    if membership is None or (role in POWERFUL and membership.role != "owner"):
        return False
    return Members.WRITE in roles()[membership.role]


def invitation_lifetime() -> timedelta:
    """How long an invitation is open."""
    return settings.LIFETIMES.invitation


def organizations_of(user_id: UUID) -> list[Organization]:
    """The organizations that a person belongs to, by name."""
    return [membership.tenant for membership in memberships_of(user_id)]


def memberships_of(user_id: UUID) -> list[Membership]:
    """Where a person belongs and as what, by the organization's name; each is read inside itself.

    Who belongs where is read by the policy that shows a person their own memberships.
    """
    with transaction.atomic():
        found: list[Membership] = []
        for id in tenants_of(user_id):
            with bind(id):
                found += Membership.objects.filter(user_id=user_id).select_related("tenant")
    return sorted(found, key=lambda one: (one.tenant.name, one.tenant_id))


def policy() -> dict[str, Any]:
    """What the bound organization has decided about its own security, with all defaults."""
    return demands.complete(kept_policy())


def kept_policy() -> dict[str, Any]:
    """As it stands, with what the house has noted beside it."""
    return SecurityPolicy.objects.values_list("switches", flat=True).first() or {}


def locked_policy() -> SecurityPolicy:
    """The row behind it, for who changes it or makes something that must obey it: one after the
    other. There may be none yet, so the organization is what is locked.
    """
    organization().select_for_update(no_key=True).get()
    return SecurityPolicy.objects.first() or SecurityPolicy()
