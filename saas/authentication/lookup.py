"""From a secret to a principal: the one query that may see a row before its tenant is known."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection

from saas.authentication.models import UsableKeys
from saas.context import Principal, PrincipalKind
from saas.crypto import digest


def api_key_model() -> Any:
    """The product's table of keys (SAAS_API_KEY_MODEL)."""
    return apps.get_model(settings.SAAS_API_KEY_MODEL)


def key_principal(secret: str) -> Principal | None:
    """The principal of a well-formed key, or None when no usable key has this digest."""
    digested = digest(secret)
    with credential_shown(digested):
        # Not through the manager, which wants a tenant: a digest names one row, and only its holder
        # knows it.
        key = (
            UsableKeys(api_key_model())
            .usable()
            .filter(digest=digested)
            .only("id", "tenant_id", "creator_id", "scopes", "expires_at", "last_used_at")
            .first()
        )
    if key is None:
        return None
    return Principal(
        kind=PrincipalKind.API_KEY,
        id=key.pk,
        credential_id=key.pk,
        tenant_id=key.tenant_id,
        user_id=key.creator_id,
        scopes=frozenset(key.scopes),
        expires_at=key.expires_at,
        credential=key,
    )


@contextmanager
def credential_shown(digested: str) -> Iterator[None]:
    """Let row security show the one row with this digest, and no longer than the look-up takes.

    Binding the tenant clears the setting in the same statement (`saas.tenancy.binding`), so
    it is not cleared twice here.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('app.credential', %s, true)", [digested])
    yield
