"""What a request has proved so far: first a principal, then an actor at work in one tenant."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple
from uuid import UUID

from django.apps import apps
from django.conf import settings


class Trace(NamedTuple):
    """What one request, and everything that it causes, is found by in every log. A caller may have
    chosen both: they name, and prove nothing.
    """

    request_id: str
    trace_id: str


traced: ContextVar[Trace | None] = ContextVar("traced", default=None)


class PrincipalKind(StrEnum):
    """How a caller proved who they are."""

    API_KEY = "api-key"
    USER_TOKEN = "user-token"  # noqa: S105  # the name of a kind, not a secret
    SERVICE = "service"


class Seen(NamedTuple):
    """What the database saw in the statement that proved a principal: it is told this tenant until
    the transaction ends, the person has this role there (None: they are no member), and this is
    what the tenant has decided about its own security (None: nothing).
    """

    tenant_id: UUID
    role: str | None
    policy: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling: proved by the authentication stage, not yet allowed to do anything.

    `id` is what limits and idempotency are counted by; `user_id` is the person whose rights
    bound the credential (the maker of a key), and is None for a service.
    """

    kind: PrincipalKind
    id: UUID
    credential_id: UUID
    tenant_id: UUID
    user_id: UUID | None
    scopes: frozenset[str]
    expires_at: datetime | None
    credential: Any = None
    networks: tuple[str, ...] = ()  # where alone the credential opens anything; none: anywhere
    auth_time: datetime | None = None  # of a person's token: when they signed in
    acr: str = ""  # and what that was worth
    seen: Seen | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """A principal at work in one tenant, with the rights that they have there at this moment."""

    principal: Principal
    tenant_id: UUID
    role: str | None
    rights: frozenset[str]
    approval: UUID | None = None  # by which others agreed to what is done now

    @property
    def tenant(self) -> Any:
        """The row of the tenant, read when somebody asks for it: hardly anybody does."""
        return apps.get_model(settings.SAAS_TENANT_MODEL).objects.get(pk=self.tenant_id)

    @property
    def user_id(self) -> UUID | None:
        """The person behind the credential, if there is one."""
        return self.principal.user_id

    @property
    def permissions(self) -> frozenset[str]:
        """What this call may do: rights of the role & scopes of the credential."""
        return self.rights & self.principal.scopes

    def may(self, permission: str) -> bool:
        """Whether both the role and the credential carry `permission`."""
        return permission in self.rights and permission in self.principal.scopes


@cache
def roles() -> Mapping[str, frozenset[str]]:
    """The page that SAAS_ROLES_PAGE names: role -> what it may do."""
    page: Mapping[str, frozenset[str]] = import_module(settings.SAAS_ROLES_PAGE).ROLES
    return page
