"""From a principal to an actor: the membership is read on every request, so a demotion acts on the
next one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.models import QuerySet, Subquery
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
    with bind(principal.tenant_id, to_the_commit=True):
        if principal.kind == PrincipalKind.SERVICE:
            row = tenant = tenant_of(principal)
            role, rights = None, service_rights()
        else:
            row = membership_of(principal)
            if row is None:
                text = f"This {NAMES[principal.kind]} is not valid."
                raise unauthorized(text, error="invalid_token")
            tenant, role, rights = row.tenant, row.role, roles()[row.role]
        if request is not None and demands.are_possible():
            demands.meet(request, demands.complete(row.policy))
        yield Actor(principal, principal.tenant_id, tenant, role, rights)


def membership_of(principal: Principal) -> Any:
    """The membership of the person behind the credential, with its tenant, in one query."""
    model = apps.get_model(settings.SAAS_MEMBERSHIP_MODEL)
    rows = model.objects.select_related("tenant").filter(user_id=principal.user_id)
    return with_policy(rows).first()


def tenant_of(principal: Principal) -> Any:
    """The tenant of a service, which is a member of nothing."""
    rows = apps.get_model(settings.SAAS_TENANT_MODEL).objects.filter(pk=principal.tenant_id)
    return with_policy(rows).get()


def with_policy(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Join the tenant's policy to a query that runs anyway, where some switch may ask for more."""
    if not demands.are_possible():
        return rows
    policies: QuerySet[Any] = apps.get_model(settings.SAAS_POLICY_MODEL).objects
    kept = Subquery(policies.values("switches")[:1])
    joined: QuerySet[Any] = rows.annotate(policy=kept)
    return joined
