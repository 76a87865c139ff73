"""Part of the access matrix, asked of the copy itself: over HTTP's whole path, with keys that are
gone again afterwards.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.test import Client
from django.utils import timezone

from apps.integrations.models import ApiKey
from apps.organizations.models import Membership
from apps.recovery.home import door
from saas.authentication import keys
from saas.authorization.permissions import known_permissions
from saas.checks import secure_views
from saas.context import roles
from saas.edge import log
from saas.tenancy.binding import bind

READS = "api/v1/"
PATIENCE = 10  # times, where the limiter says that it was too fast


@contextmanager
def unheard() -> Iterator[None]:
    """Whoever reads the access log, the watch above all, hears nothing of calls that nobody made;
    and who reads what was found finds it.
    """
    heard, log.LISTENERS[:] = log.LISTENERS[:], []
    was_off, log.access.disabled = log.access.disabled, True
    try:
        with door.opened():
            yield
    finally:
        log.LISTENERS[:], log.access.disabled = heard, was_off


def faults(tenants: list[UUID]) -> Iterator[str]:
    """Every list, asked by one member of each role in these tenants, and by a stranger; and a row
    of the one asked for by the other.
    """
    seen: dict[UUID, str] = {}
    for tenant_id in tenants:
        with bind(tenant_id):
            members = {row.role: row for row in Membership.objects.order_by("-pk")}
        for role, member in members.items():
            with borrowed(tenant_id, member) as secret:
                for route, permissions in lists():
                    status = ask(route, secret)
                    expected = 200 if roles()[role] & permissions or not permissions else 403
                    if status != expected:
                        yield f"{role} of {tenant_id}: GET /{route} answers {status}"
                for other, row in seen.items():
                    if other != tenant_id and (status := ask(row, secret)) not in (403, 404):
                        yield f"{role} of {tenant_id}: GET /{row} of {other} answers {status}"
        with bind(tenant_id):
            seen[tenant_id] = f"{READS}members/{next(iter(members.values())).pk}"
    for route, _ in lists():
        if (status := ask(route, None)) != 401:
            yield f"a stranger: GET /{route} answers {status}"


def lists() -> Iterator[tuple[str, frozenset[str]]]:
    """Every route that asks for no row, and which permissions open it."""
    for route, view, actions in secure_views():
        rule = view.operations.get(actions.get("get", ""))
        if rule is not None and "<" not in route and route.startswith(READS):
            yield route, frozenset() if rule.is_open else frozenset(rule.permissions)


class borrowed:  # noqa: N801  # a block
    """A key of a member for the length of a block; a rollback takes it and its traces away."""

    def __init__(self, tenant_id: UUID, member: Membership) -> None:
        self.tenant_id, self.member = tenant_id, member

    def __enter__(self) -> str:
        self.block = transaction.atomic()
        self.block.__enter__()
        minted = keys.mint()
        with bind(self.tenant_id):
            ApiKey(
                creator_id=self.member.user_id,
                name="recover verify",
                public_id=minted.public_id,
                digest=minted.digest,
                scopes=sorted(known_permissions()),
                expires_at=timezone.now() + settings.LIFETIMES.access_token,
            ).save(force_insert=True)
        return minted.secret

    def __exit__(self, *failure: object) -> None:
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)


def ask(route: str, secret: str | None) -> int:
    """The status of a GET, through every stage."""
    host = urlsplit(settings.SAAS_ORIGIN)
    headers = {"Host": host.netloc} | ({"X-API-Key": secret} if secret else {})
    client, is_https = Client(raise_request_exception=False), host.scheme == "https"
    for _ in range(PATIENCE):
        status = int(client.get(f"/{route}", headers=headers, secure=is_https).status_code)
        if status != 429:
            break
        time.sleep(1)
    return status
