"""The caller, the caller's organization, and the people who belong to it or are asked to."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from apps.organizations import queries, services
from apps.organizations.access import Members, OrganizationEvent, Organizations, Security
from apps.organizations.models import Invitation, Membership
from apps.organizations.serializers import (
    InvitationInput,
    InvitationOutput,
    MemberOutput,
    MeOutput,
    OrganizationInput,
    OrganizationOutput,
    RoleInput,
    SecurityPolicyInput,
    SecurityPolicyOutput,
    UsageOutput,
)
from saas.authentication import demands
from saas.authorization.operations import Allow
from saas.authorization.permissions import AnyCredential
from saas.view import SecureViewSet


class MeViewSet(SecureViewSet):
    """The caller: what the credential is and what it may do at this moment."""

    resource = "me"
    operations = {"retrieve": Allow(AnyCredential.ANY)}
    outputs = MeOutput

    def retrieve(self, request: Request, **_: Any) -> Response:
        """What the corridor has proved of this request."""
        return self.show(self.actor)


class OrganizationViewSet(SecureViewSet):
    """The one organization that the credential belongs to; the path names none."""

    resource = "organization"
    operations = {
        "retrieve": Allow(AnyCredential.ANY),
        "partial_update": Allow(
            Organizations.WRITE, rate="sensitive", step_up=True, event=OrganizationEvent.CHANGED
        ),
    }
    inputs = {"partial_update": OrganizationInput}
    outputs = OrganizationOutput

    def retrieve(self, request: Request, **_: Any) -> Response:
        """The organization."""
        return self.show(self.actor.tenant)

    def partial_update(self, request: Request, **_: Any) -> Response:
        """Another name, or another time zone."""
        return self.show(services.change_organization(self.actor, self.actor.tenant, **self.asked))


class UsageViewSet(SecureViewSet):
    """How much of the plan is used in this month, and what is left."""

    resource = "usage"
    operations = {"retrieve": Allow(AnyCredential.ANY)}
    outputs = UsageOutput

    def retrieve(self, request: Request, **_: Any) -> Response:
        """The quotas of the organization."""
        return self.show(queries.usage())


class SecurityPolicyViewSet(SecureViewSet):
    """What the organization asks of its own callers and credentials, beyond what everybody must
    give.
    """

    resource = "security-policy"
    operations = {
        "retrieve": Allow(Security.READ),
        "partial_update": Allow(
            Security.WRITE,
            rate="sensitive",
            step_up=True,
            may_wait=True,
            event=OrganizationEvent.POLICY_CHANGED,
        ),
    }
    inputs = {"partial_update": SecurityPolicyInput}
    outputs = SecurityPolicyOutput

    def retrieve(self, request: Request, **_: Any) -> Response:
        """What is asked at this moment."""
        return self.show(queries.policy())

    def partial_update(self, request: Request, **_: Any) -> Response:
        """Ask for more or for less, from the next request on.

        The request itself must meet the new policy, so that nobody locks their organization out.
        """
        policy = services.change_policy(self.actor, **self.asked)
        demands.meet(self.http, self.principal, policy)
        return self.show(policy)


class MemberViewSet(SecureViewSet):
    """Who belongs to the organization, and as what."""

    resource = "members"
    operations = {
        "list": Allow(Members.READ),
        "retrieve": Allow(Members.READ),
        "partial_update": Allow(
            Members.WRITE,
            rate="sensitive",
            step_up=True,
            may_wait=True,
            event=OrganizationEvent.MEMBER_CHANGED,
        ),
        "destroy": Allow(
            Members.WRITE, rate="sensitive", step_up=True, event=OrganizationEvent.MEMBER_REMOVED
        ),
    }
    inputs = {"partial_update": RoleInput}
    outputs = MemberOutput
    sortable = {"created_at": "created_at", "name": "user__name"}

    def rows(self) -> QuerySet[Membership]:
        """The memberships of the bound organization."""
        return queries.members()

    def row(self, *of: Any, **named: Any) -> Membership:
        """The membership; before one is changed the owners are locked, always in the same order."""
        if self.action != "retrieve":
            queries.lock_owners()
        return super().row(*of, **named)

    def partial_update(self, request: Request, **_: Any) -> Response:
        """Another role; without one in the body nothing changes."""
        member = self.row()
        role = self.asked.get("role", member.role)
        return self.show(services.change_role(self.actor, member, role=role))

    def destroy(self, request: Request, **_: Any) -> Response:
        """Somebody leaves, and their keys die."""
        services.remove_member(self.actor, self.row())
        return Response(status=204)


class InvitationViewSet(SecureViewSet):
    """Who is asked to join, until they accept, are taken back or let the time pass."""

    resource = "invitations"
    operations = {
        "list": Allow(Members.READ),
        "create": Allow(
            Members.WRITE,
            rate="sensitive",
            step_up=True,
            may_wait=True,
            event=OrganizationEvent.INVITED,
        ),
        "retrieve": Allow(Members.READ),
        "destroy": Allow(
            Members.WRITE, rate="sensitive", step_up=True, event=OrganizationEvent.UNINVITED
        ),
    }
    inputs = {"create": InvitationInput}
    outputs = InvitationOutput
    sortable = {"created_at": "created_at"}

    def rows(self) -> QuerySet[Invitation]:
        """The open invitations of the bound organization."""
        return queries.open_invitations()

    def create(self, request: Request, **_: Any) -> Response:
        """Ask somebody; the secret travels in the mail alone."""
        return self.show(services.invite(self.actor, **self.asked), status=201)

    def destroy(self, request: Request, **_: Any) -> Response:
        """Take an invitation back."""
        services.withdraw(self.actor, self.row())
        return Response(status=204)
