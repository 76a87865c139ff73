"""The cast: Acme and Globex with their people, and Mallory, who belongs to neither."""

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.integrations.models import ApiKey
from apps.organizations.access import OrganizationEvent
from apps.organizations.models import ROLES, Membership, Organization
from saas.audit import chain, trail
from saas.audit.models import AuditEntry, AuditHead
from saas.authentication import keys
from saas.authorization.permissions import known_permissions
from saas.context import Actor, Principal, PrincipalKind, roles
from saas.ids import uuid7
from saas.persistence.encryption import create_data_key
from saas.persistence.statements import insert
from saas.tenancy.binding import bind

V1 = "/api/v1/"
KEY = "a-key-of-sixteen-characters-or-more"


@dataclass
class Member:
    """One person in one organization, with an API key that carries everything their role may do."""

    organization: "Tenant"
    user: User
    role: str
    secret: str
    key: ApiKey
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """One request over HTTPS with this member's key; `body` travels as JSON unless it is bytes."""
        return call(self.client, method, path, body, **{"X-API-Key": self.secret, **named(headers)})

    def get(self, path: str, **headers: str) -> Any:
        """GET."""
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """POST."""
        return self.call("POST", path, {} if body is None else body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        """PATCH."""
        return self.call("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        """DELETE."""
        return self.call("DELETE", path, **headers)

    def with_scopes(self, *scopes: str) -> "Member":
        """The same person with a key that carries only `scopes`."""
        key, secret = make_key(self.organization.id, self.user, scopes)
        return Member(self.organization, self.user, self.role, secret, key)

    @property
    def actor(self) -> Actor:
        """What the spine would make of this member, for tests that call services."""
        rights = roles()[self.role]
        principal = Principal(
            PrincipalKind.API_KEY,
            self.key.pk,
            self.key.pk,
            self.organization.id,
            self.user.pk,
            rights,
            None,
        )
        return Actor(principal, self.organization.id, self.role, rights)


@dataclass
class Tenant:
    """An organization and its five members."""

    id: UUID
    name: str
    owner: Member = None  # type: ignore[assignment]  # set while the cast is made
    admin: Member = None  # type: ignore[assignment]  # as above
    accountant: Member = None  # type: ignore[assignment]  # as above
    clerk: Member = None  # type: ignore[assignment]  # as above
    viewer: Member = None  # type: ignore[assignment]  # as above

    @property
    def members(self) -> list[Member]:
        """All five, most powerful first."""
        return [getattr(self, role) for role in ROLES]


def make_key(tenant_id: UUID, user: User, scopes: Any) -> tuple[ApiKey, str]:
    """A key straight in the table, for tests that are not about making keys."""
    with bind(tenant_id):
        key, secret = new_key(user, scopes)
        key.save(force_insert=True)
    return key, secret


def new_key(user: User, scopes: Any, **columns: Any) -> tuple[ApiKey, str]:
    """A key that is in no table yet, and its secret."""
    minted = keys.mint()
    key = ApiKey(
        creator=user,
        name="test",
        public_id=minted.public_id,
        digest=minted.digest,
        scopes=sorted(scopes),
        expires_at=timezone.now() + settings.LIFETIMES.api_key,
        **columns,
    )
    return key, minted.secret


def make_tenant(name: str) -> Tenant:
    """An organization with one member for each role and a key for each of them: what
    `apps.organizations.services` would leave, in one statement (tests/apps/organizations/test_cast.py).
    """
    slug = name.lower()
    organization = Organization(name=name, slug=slug)
    tenant = Tenant(organization.pk, name)
    ids = iter(sorted(uuid7() for _ in range(4 * len(ROLES) + 1)))  # lists are in their order
    people = [
        User(id=next(ids), email=f"{role}@{slug}.example", name=f"{role} of {name}")
        for role in ROLES
    ]
    with bind(tenant.id), trail.recording() as happened:
        create_data_key()
        trail.record(None, OrganizationEvent.CREATED, organization)
        members, made = [], []
        for role, user in zip(ROLES, people, strict=True):
            user.set_unusable_password()
            membership = Membership(id=next(ids), user=user, role=role)
            trail.record(None, OrganizationEvent.MEMBER_JOINED, membership, role=role)
            members.append(membership)
            key, secret = new_key(user, known_permissions(), id=next(ids))
            made.append(key)
            setattr(tenant, role, Member(tenant, user, role, secret, key))
        for entry in happened:
            entry.id = next(ids)
        head, entries = chained(tenant.id, happened)
        insert(people, [organization], [head], members, made, entries)
        happened.clear()
        for entry in entries:
            for hears in chain.APPENDED:
                hears(entry.seq)
    return tenant


def chained(tenant_id: UUID, entries: list[AuditEntry]) -> tuple[AuditHead, list[AuditEntry]]:
    """The first entries of a chain, linked, and its head."""
    head = AuditHead()
    for entry in entries:
        head.seq += 1
        head.hash = chain.link(head.hash, head.seq, chain.canonical(tenant_id, entry))
        entry.seq, entry.hash = head.seq, head.hash
    return head, list(entries)


def named(headers: dict[str, str]) -> dict[str, str]:
    """`If_Match="…"` in Python is `If-Match` on the wire."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


def call(client: Client, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """One request over HTTPS under /api/v1/ (or at an absolute path)."""
    path = path.removeprefix(settings.SAAS_ORIGIN)
    url = path if path.startswith("/") else V1 + path
    extra: dict[str, Any] = {"headers": headers, "secure": True}
    if body is not None:
        extra["data"] = body if isinstance(body, (bytes, str)) else json.dumps(body)
        extra["content_type"] = headers.pop("Content-Type", "application/json")
    return client.generic(method, url, **extra)
