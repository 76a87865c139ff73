"""From a secret to a principal: the one query that may see a row before its tenant is known."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NamedTuple
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from saas.authentication.models import UsableKeys
from saas.authentication.oauth.scopes import scopes_for
from saas.authentication.oauth.tokens import checksum_of
from saas.context import Principal, PrincipalKind, Seen
from saas.crypto import digest, digests


def api_key_model() -> Any:
    """The product's table of keys (SAAS_API_KEY_MODEL)."""
    return apps.get_model(settings.SAAS_API_KEY_MODEL)


def keys_with(digested: Any, at: Any) -> QuerySet[Any]:
    """The key with this digest, if it is usable at this moment.

    Not through the manager, which wants a tenant: a digest names one row, and only its holder
    knows it.
    """
    return UsableKeys(api_key_model()).usable(at).filter(digest=digested)


def tokens_with(checksum: Any, at: Any) -> QuerySet[Any]:
    """The access token with this checksum, if it is usable at this moment."""
    rows: QuerySet[Any] = get_access_token_model().objects.usable(at)
    return rows.filter(token_checksum=checksum)


class Proof(NamedTuple):
    """How one kind of credential is looked up, and what is read of its row and of the client.

    PostgreSQL does it by `function`, in one statement with the binding of the tenant and the looks
    at the membership and the tenant's policy; saas.persistence.guards derives it from `rows`, so
    both find the same.

    `columns` stand on the row that comes back, by their names. A module appends its own in
    AppConfig.ready(), as `dpop__jkt`: the next migrate derives the function with them, and where
    the module is gone, without them.
    """

    function: str
    statement: str
    rows: Callable[[Any, Any], QuerySet[Any]]
    tenant: str
    person: str
    columns: list[str]


KEY = Proof(
    "saas_prove_key",
    "SELECT * FROM saas_prove_key(%s, %s)",
    keys_with,
    "tenant_id",
    "creator_id",
    [
        *("id", "tenant_id", "creator_id", "scopes", "expires_at", "last_used_at"),
        *("allowed_networks", "is_honeytoken"),
    ],
)
TOKEN = Proof(
    "saas_prove_token",
    "SELECT * FROM saas_prove_token(%s, %s)",
    tokens_with,
    "organization_id",
    "user_id",
    [
        *("id", "organization_id", "user_id", "application_id", "grant_id", "scope"),
        *("expires", "last_used_at", "auth_time", "acr"),
        *("application__allowed_scopes", "application__authorization_grant_type"),
    ],
)

PROOFS = (KEY, TOKEN)


def proved(proof: Proof, shown: str) -> tuple[Any, Seen | None]:
    """The usable row with this digest, or None; and what the database saw on the way to it."""
    now = timezone.now()
    if connection.vendor != "postgresql":
        found = proof.rows(shown, now).values(*proof.columns).first()
        return SimpleNamespace(**found) if found else None, None
    with connection.cursor() as cursor:
        cursor.execute(proof.statement, [shown, now])
        *found, role, policy = cursor.fetchone()
    row = SimpleNamespace(**dict(zip(proof.columns, found, strict=True)))
    if row.id is None:
        return None, None
    if not connection.in_atomic_block:  # the database has forgotten the tenant again
        return row, None
    return row, Seen(getattr(row, proof.tenant), role, json.loads(policy) if policy else None)


def listed(scopes: Any) -> list[str]:
    """A list of scopes as its column gives it: past the ORM that is JSON."""
    names: list[str] = json.loads(scopes) if isinstance(scopes, str) else scopes
    return names


def key_principal(secret: str) -> Principal | None:
    """The principal of a well-formed key, or None when no usable key has this digest.

    That of a honeytoken holds nothing, also for a caller who forgets to ask what it is.
    """
    for digested in digests(secret):
        key, seen = proved(KEY, digested)
        if key is not None:
            break
    else:
        return None
    is_bound = seen is not None or connection.vendor != "postgresql"
    if is_bound and digested != (current := digest(secret)):  # under the pepper of before
        UsableKeys(api_key_model()).filter(pk=key.id, digest=digested).update(digest=current)
    return Principal(
        kind=PrincipalKind.API_KEY,
        id=key.id,
        credential_id=key.id,
        tenant_id=key.tenant_id,
        user_id=key.creator_id,
        scopes=frozenset() if key.is_honeytoken else frozenset(listed(key.scopes)),
        expires_at=key.expires_at,
        credential=key,
        networks=tuple(listed(key.allowed_networks)),
        seen=seen,
    )


def was_issued(secret: str) -> bool:
    """Whether this is a key of ours, dead or alive."""
    for digested in digests(secret):
        with credential_shown(digested):
            if UsableKeys(api_key_model()).filter(digest=digested).exists():
                return True
    return False


def token_principal(secret: str) -> Principal | None:
    """The principal of a well-formed access token, or None when no usable one has this checksum.

    A person counts as one principal whichever of their tokens is used, a service as its client: a
    new token every 15 minutes brings no new limits.
    """
    token, seen = proved(TOKEN, checksum_of(secret))
    if token is None:
        return None
    is_person = token.user_id is not None
    allowed = listed(token.application__allowed_scopes)
    grant_type = token.application__authorization_grant_type
    return Principal(
        kind=PrincipalKind.USER_TOKEN if is_person else PrincipalKind.SERVICE,
        id=token.user_id if is_person else token.application_id,
        credential_id=token.grant_id if is_person else token.id,
        tenant_id=token.organization_id,
        user_id=token.user_id,
        scopes=frozenset(token.scope.split()) & scopes_for(allowed, grant_type),
        expires_at=token.expires,
        auth_time=token.auth_time,
        acr=token.acr,
        credential=token,
        seen=seen,
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
