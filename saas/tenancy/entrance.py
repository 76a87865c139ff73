"""From a principal to an actor: the membership is read on every request, so a demotion acts on the
next one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.conf import settings

from saas.authentication.credentials import unauthorized
from saas.authentication.oauth.scopes import service_rights
from saas.context import Actor, Principal, PrincipalKind, roles
from saas.tenancy.binding import bind

NAMES = {PrincipalKind.API_KEY: "API key", PrincipalKind.USER_TOKEN: "access token"}


@contextmanager
def entered(principal: Principal) -> Iterator[Actor]:
    """Bind the principal's own tenant, and give the actor that the principal is there.

    Raises 401 when the person behind the credential is no longer a member: their keys die with
    them.
    """
    with bind(principal.tenant_id, to_the_commit=True):
        if principal.kind == PrincipalKind.SERVICE:
            yield service_actor(principal)
            return
        membership = membership_of(principal)
        if membership is None:
            raise unauthorized(f"This {NAMES[principal.kind]} is not valid.", error="invalid_token")
        yield Actor(
            principal=principal,
            tenant_id=principal.tenant_id,
            tenant=membership.tenant,
            role=membership.role,
            rights=roles()[membership.role],
        )


def service_actor(principal: Principal) -> Actor:
    """A service at work: no role, and never the rights that decide who has which."""
    tenant = apps.get_model(settings.SAAS_TENANT_MODEL).objects.get(pk=principal.tenant_id)
    return Actor(
        principal=principal,
        tenant_id=principal.tenant_id,
        tenant=tenant,
        role=None,
        rights=service_rights(),
    )


def membership_of(principal: Principal) -> Any:
    """The membership of the person behind the credential, with its tenant, in one query."""
    model = apps.get_model(settings.SAAS_MEMBERSHIP_MODEL)
    return model.objects.select_related("tenant").filter(user_id=principal.user_id).first()
