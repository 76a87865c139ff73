"""Which members and invitations there are."""

from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from apps.organizations.models import Invitation, Membership, Organization
from saas.tenancy.binding import bound_tenant


def organization() -> QuerySet[Organization]:
    """The bound organization, and no other."""
    return Organization.objects.filter(pk=bound_tenant())


def members() -> QuerySet[Membership]:
    """The members of the bound organization, with the person behind each."""
    return Membership.objects.select_related("user")


def owners() -> QuerySet[Membership]:
    """Its owners."""
    return Membership.objects.filter(role="owner")


def is_member(email: str) -> bool:
    """Whether a person with this address belongs here."""
    return members().filter(user__email__iexact=email).exists()


def open_invitations() -> QuerySet[Invitation]:
    """The invitations that can still be accepted."""
    return Invitation.objects.filter(accepted_at=None, expires_at__gt=timezone.now())


def invitation_lifetime() -> timedelta:
    """How long an invitation is open."""
    return settings.LIFETIMES.invitation
