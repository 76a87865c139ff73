"""From a principal to an actor: the membership is read on every request, so a demotion acts on the
next one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.http import HttpRequest

from saas.authentication import demands
from saas.authentication.credentials import unauthorized
from saas.authentication.oauth.scopes import service_rights
from saas.context import Actor, Principal, PrincipalKind, roles
from saas.tenancy.binding import bind

NAMES = {PrincipalKind.API_KEY: "API key", PrincipalKind.USER_TOKEN: "access token"}


@contextmanager
def entered(principal: Principal, request: HttpRequest | None) -> Iterator[Actor]:
    """Bind the principal's own tenant, and give the actor that the principal is there.

    Raises 401 when the person behind the credential is no longer a member: their keys die with
    them. Raises what the tenant's own policy demands of `request`; None is for work of our own.
    """
    seen = principal.seen
    if seen and seen.tenant_id != principal.tenant_id:  # what was seen elsewhere proves nothing
        seen = None
    with bind(principal.tenant_id, to_the_commit=True, is_told=seen is not None):
        if principal.kind == PrincipalKind.SERVICE:
            role, rights = None, service_rights()
        else:
            role = seen.role if seen else role_of(principal)
            if role is None:
                text = f"This {NAMES[principal.kind]} is not valid."
                raise unauthorized(text, error="invalid_token")
            rights = roles()[role]
        if request is not None and demands.are_possible():
            policy = seen.policy if seen else policy_of(principal.tenant_id)
            if policy:  # who has decided nothing demands nothing
                demands.heed(request, principal, policy)
                demands.meet(request, principal, demands.complete(policy))
        yield Actor(principal, principal.tenant_id, role, rights)


def refuse_unwelcome(request: HttpRequest, principal: Principal, **_: Any) -> None:
    """A stolen refresh token, code or client secret is worth nothing where, and after a sign-in
    with which, its tokens would open nothing. Raises what the tenant's policy of this moment
    demands; nothing was consumed.
    """
    if demands.are_possible():
        with bind(principal.tenant_id):
            policy = policy_of(principal.tenant_id)
        demands.meet(request, principal, demands.complete(policy), of_tokens=True)


def role_of(principal: Principal) -> str | None:
    """The role of the person behind the credential in the bound tenant; None for a stranger."""
    members = apps.get_model(settings.SAAS_MEMBERSHIP_MODEL).objects
    role: str | None = roles_held(members, principal.user_id).first()
    return role


def roles_held(members: Any, user_id: Any) -> Any:
    """The one spelling of the look at a membership."""
    return members.filter(user_id=user_id).values_list("role", flat=True)


def policy_of(tenant_id: UUID) -> demands.Policy | None:
    """What the bound tenant has decided about its own security, or None."""
    policies = apps.get_model(settings.SAAS_POLICY_MODEL).objects
    policy: demands.Policy | None = policies_kept(policies, tenant_id).first()
    return policy


def policies_kept(policies: Any, tenant_id: Any) -> Any:
    """The one spelling of the look at a tenant's own policy."""
    return policies.filter(tenant_id=tenant_id).values_list("switches", flat=True)
