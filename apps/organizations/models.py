"""An organization is the tenant; a membership ties a person to it with one role."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from saas.ids import IdField
from saas.persistence.tenant import TenantModel, tenant_reference

ROLES = ("owner", "admin", "accountant", "clerk", "viewer")


def first_plan() -> str:
    """That of a new organization."""
    return settings.PLAN


class Organization(models.Model):
    """The tenant. Row security shows each tenant its own row and no other."""

    id = IdField()
    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=60, unique=True)
    time_zone = models.CharField(max_length=60, default="UTC")
    plan = models.CharField(max_length=40, default=first_plan, editable=False)  # of PLANS
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        swappable = "SAAS_TENANT_MODEL"

    def __str__(self) -> str:
        """The kind and the id."""
        return f"organization {self.pk}"


class Membership(TenantModel):
    """That a person belongs to an organization, with one role."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    role = models.CharField(
        max_length=20, choices=[(role, role) for role in ROLES], default="viewer"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    readable_by = {"user_id": "app.user"}

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "user"], name="one_membership_for_each_person"
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=ROLES), name="a_member_has_a_known_role"
            ),
            tenant_reference(),
        ]


class Invitation(TenantModel):
    """An address that was asked to join; the secret travels by mail and is kept as a digest. Once
    it is accepted it is gone, with the address.
    """

    email = models.EmailField(max_length=254)
    role = models.CharField(
        max_length=20, choices=[(role, role) for role in ROLES], default="viewer"
    )
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()

    readable_by = {"digest": "app.credential"}

    class Meta(TenantModel.Meta):
        constraints = [
            models.CheckConstraint(
                condition=models.Q(role__in=ROLES), name="an_invitation_has_a_known_role"
            ),
            models.UniqueConstraint(
                fields=["tenant", "email"], name="one_open_invitation_for_each_address"
            ),
            tenant_reference(),
        ]


class SecurityPolicy(TenantModel):
    """What an organization has decided about its own security, by the names of the switches that
    others join (`saas.authentication.demands`); what it has not decided has its default.
    """

    switches = models.JSONField(default=dict)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant"], name="one_policy_for_each_organization")
        ]
