"""Work happens for one tenant at a time: bound for the length of a block, and restored after it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler

_bound: ContextVar[UUID | None] = ContextVar("tenant", default=None)
_for_nobody: ContextVar[bool] = ContextVar("for nobody", default=False)


class TenantNotBound(RuntimeError):
    """A query for tenant rows ran outside any tenant: there are not fewer rows, there is no
    answer.
    """


class TenantAlreadyBound(RuntimeError):
    """Work for one tenant tried to start inside work for another."""


def bound_tenant() -> UUID:
    """The tenant that this code works for, or TenantNotBound."""
    tenant_id = _bound.get()
    if tenant_id is None:
        raise TenantNotBound("No tenant is bound here: use saas.tenancy.binding.bind().")
    return tenant_id


def bound_tenant_or_none() -> UUID | None:
    """The bound tenant, for what may also be done for nobody."""
    return _bound.get()


class Blank(NamedTuple):
    """A parameter whose value is not known when SQL is compiled. No database takes it as it is."""

    name: str
    field: Any


TENANT = Blank("tenant", models.UUIDField())


class BoundTenant(models.Expression):
    """The bound tenant, read when SQL is compiled: a queryset made for one tenant cannot run for
    another.
    """

    def __init__(self) -> None:
        super().__init__(output_field=models.UUIDField())

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        """A parameter with the tenant's id, as the database stores it."""
        if _for_nobody.get():
            return "%s", (TENANT,)
        value = models.UUIDField().get_db_prep_value(bound_tenant(), connection)
        return "%s", (value,)


@contextmanager
def for_nobody() -> Iterator[None]:
    """Compile SQL that many tenants will use: nobody is bound in here, so nobody's id gets in."""
    bound, nobody = _bound.set(None), _for_nobody.set(True)
    try:
        yield
    finally:
        _for_nobody.reset(nobody)
        _bound.reset(bound)


@contextmanager
def bind(tenant_id: UUID, *, to_the_commit: bool = False, is_told: bool = False) -> Iterator[None]:
    """Work for one tenant, in one transaction, on both walls: the manager's and row security's.

    Binding the same tenant again changes nothing; another one raises TenantAlreadyBound,
    because what was read for the first could be written for the second. `to_the_commit`
    promises that the caller's transaction ends with the block, and saves a statement. `is_told`
    says that this transaction has told the database, by the statement that proved the caller; were
    it not so, row security would show nothing.
    """
    before = _bound.get()
    if before == tenant_id:
        yield
        return
    if before is not None:
        raise TenantAlreadyBound(f"Tenant {before} is bound; {tenant_id} cannot be bound inside.")
    with transaction.atomic(savepoint=False):
        token = _bound.set(tenant_id)
        try:
            if not is_told:  # inside: a lost connection must not leave the thread bound
                _tell_database(tenant_id)
            yield
            # A rollback or the end of the transaction takes the setting with it; otherwise it must
            # go now.
            goes_on = len(connection.atomic_blocks) > 1 and not to_the_commit
            if goes_on and not connection.needs_rollback:
                _tell_database(None)
        finally:
            _bound.reset(token)


def _tell_database(tenant_id: UUID | None) -> None:
    """Set what the policies read, until the end of the transaction, and forget the credential
    shown.
    """
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('app.tenant', %s, true), set_config('app.credential', '', true)",
            [str(tenant_id or "")],
        )


def for_tenant[**P, R](work: Callable[P, R]) -> Callable[P, R]:
    """Bind background work: the decorated function is called with `tenant_id` and runs inside its
    tenant.
    """

    @wraps(work)
    def bound_work(*args: P.args, **kwargs: P.kwargs) -> R:
        with bind(UUID(str(kwargs["tenant_id"]))):
            return work(*args, **kwargs)

    return bound_work
