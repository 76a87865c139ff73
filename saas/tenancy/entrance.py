"""From a principal to an actor: the membership is read on every request, so a demotion acts on the
next one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.conf import settings

from saas.authentication.credentials import unauthorized
from saas.context import Actor, Principal, roles
from saas.tenancy.binding import bind


@contextmanager
def entered(principal: Principal) -> Iterator[Actor]:
    """Bind the principal's own tenant, and give the actor that the principal is there.

    Raises 401 when the person behind the credential is no longer a member: their keys die with
    them.
    """
    with bind(principal.tenant_id, to_the_commit=True):
        membership = membership_of(principal)
        if membership is None:
            raise unauthorized("This API key is not valid.", error="invalid_token")
        yield Actor(
            principal=principal,
            tenant_id=principal.tenant_id,
            tenant=membership.tenant,
            role=membership.role,
            rights=roles()[membership.role],
        )


def membership_of(principal: Principal) -> Any:
    """The membership of the person behind the credential, with its tenant, in one query."""
    model = apps.get_model(settings.SAAS_MEMBERSHIP_MODEL)
    return model.objects.select_related("tenant").filter(user_id=principal.user_id).first()
