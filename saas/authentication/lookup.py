"""From a secret to a principal: the one query that may see a row before its tenant is known."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from saas.authentication.models import UsableKeys
from saas.authentication.oauth.scopes import scopes_of
from saas.authentication.oauth.tokens import checksum_of
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


def was_issued(secret: str) -> bool:
    """Whether this is a key of ours, dead or alive."""
    digested = digest(secret)
    with credential_shown(digested):
        return bool(UsableKeys(api_key_model()).filter(digest=digested).exists())


def token_principal(secret: str) -> Principal | None:
    """The principal of a well-formed access token, or None when no usable one has this checksum.

    One query, with person and client in it. A person counts as one principal whichever of their
    tokens is used, a service as its client: a new token every 15 minutes brings no new limits.
    """
    tokens = get_access_token_model().objects.usable(timezone.now())
    row = tokens.select_related("application").filter(token_checksum=checksum_of(secret)).first()
    if row is None:
        return None
    is_person = row.user_id is not None
    return Principal(
        kind=PrincipalKind.USER_TOKEN if is_person else PrincipalKind.SERVICE,
        id=row.user_id if is_person else row.application_id,
        credential_id=row.grant_id if is_person else row.pk,
        tenant_id=row.organization_id,
        user_id=row.user_id,
        scopes=frozenset(row.scope.split()) & scopes_of(row.application),
        expires_at=row.expires,
        credential=row,
    )


def tenant_shown(model: Any, digested: str) -> UUID | None:
    """The tenant of the one row of `model` with this digest: for secrets that were mailed to people
    who belong to no tenant yet.
    """
    with transaction.atomic(), credential_shown(digested):
        row = QuerySet(model).filter(digest=digested).only("tenant_id").first()
    return row.tenant_id if row else None


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
