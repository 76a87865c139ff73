"""The second wall: what the database itself refuses, derived from the model classes and never
written by hand.

`install()` runs after every migration and adds what is missing; `missing()` is what the
system check reports. SQLite drops triggers when a migration rebuilds a table, so a guard that
lived in a migration would be gone without a word after the next one.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.apps import apps
from django.conf import settings
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from saas.authentication.lookup import PROOFS
from saas.persistence.guards.declared import AppendOnly as AppendOnly
from saas.persistence.guards.declared import DropBox as DropBox
from saas.persistence.guards.declared import Guard
from saas.persistence.guards.declared import OwnerChanges as OwnerChanges
from saas.persistence.guards.declared import same_tenant_keys as same_tenant_keys
from saas.persistence.guards.grants import grants, reading_grants
from saas.persistence.guards.postgresql import PostgreSQL
from saas.persistence.guards.sqlite import SQLite
from saas.persistence.tenant import TenantModel

POSTGRESQL, SQLITE = PostgreSQL(), SQLite()


def expected(vendor: str) -> list[Guard]:
    """Every guard that the installed models ask for on this kind of database."""
    derive = POSTGRESQL if vendor == "postgresql" else SQLITE
    tenant_model = apps.get_model(settings.SAAS_TENANT_MODEL)
    guards = list(derive.root(tenant_model))
    for model in apps.get_models():
        if issubclass(model, TenantModel):
            guards += derive.rows(model)
            for field in same_tenant_keys(model):
                guards += derive.reference(model, field)
            guards += derive.frozen(model)
            guards += derive.sealed(model)
            guards += derive.frozen_parts(model)
        if issubclass(model, AppendOnly):
            guards += derive.append_only(model)
        if issubclass(model, DropBox):
            guards += derive.drop_box(model)
    for proof in PROOFS:
        guards += derive.proof(proof)
    return guards


def missing(connection: BaseDatabaseWrapper) -> list[Guard]:
    """The guards that should stand and do not, among the tables that exist."""
    tables = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        cursor.execute(STANDING[connection.vendor])
        standing = set(cursor.fetchall())
    return [
        guard
        for guard in expected(connection.vendor)
        if guard.table in tables | {""} and (guard.table, guard.name) not in standing
    ]


def unexpected(connection: BaseDatabaseWrapper) -> list[tuple[str, str]]:
    """Policies that no model asks for: each could open a table that the others close."""
    if connection.vendor != "postgresql":
        return []
    asked = {(guard.table, guard.name) for guard in expected("postgresql")}
    with connection.cursor() as cursor:
        cursor.execute(POLICIES)
        return sorted(set(cursor.fetchall()) - asked)


POLICIES = "SELECT tablename, policyname FROM pg_policies WHERE schemaname = current_schema()"

# What stands counts only as far as it works: a disabled trigger or an unforced policy is missing.
STANDING = {
    "postgresql": """
        SELECT c.relname, p.polname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
            WHERE c.relrowsecurity AND c.relforcerowsecurity AND c.relnamespace =
            current_schema()::regnamespace
        UNION ALL
        SELECT c.relname, k.conname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
            WHERE k.convalidated AND c.relnamespace = current_schema()::regnamespace
        UNION ALL
        SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
            WHERE t.tgenabled IN ('O', 'A') AND c.relnamespace = current_schema()::regnamespace
        UNION ALL
        SELECT '', p.proname || '_' || left(encode(sha256(convert_to(p.prosrc, 'UTF8')), 'hex'), 8)
            FROM pg_proc p WHERE NOT p.prosecdef AND p.pronamespace = current_schema()::regnamespace
            AND p.proconfig = ARRAY['search_path=pg_catalog, public, pg_temp']
    """,
    "sqlite": "SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'",
}


def install(connection: BaseDatabaseWrapper) -> None:
    """Add every missing guard; what already stands is left alone."""
    with connection.cursor() as cursor:
        for guard in missing(connection):
            for statement in guard.statements:
                cursor.execute(statement)
        if connection.vendor == "postgresql":
            cursor.execute("SELECT rolname FROM pg_roles")
            roles = {name for (name,) in cursor.fetchall()}
            for statement in (*grants(connection), *reading_grants(connection, roles)):
                cursor.execute(statement)


@contextmanager
def resealing(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """A transaction in which the owner of the tables may seal frozen rows anew."""
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT set_config('app.resealing', 'on', true)")
            yield
            cursor.execute("SELECT set_config('app.resealing', '', true)")
            return
        for model in apps.get_models():
            if issubclass(model, TenantModel):
                for guard in SQLITE.sealed(model):
                    cursor.execute(f'DROP TRIGGER IF EXISTS "{guard.name}"')
        yield
        install(connection)
