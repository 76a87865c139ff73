"""The second wall: what the database itself refuses, derived from the model classes and never
written by hand.

`install()` runs after every migration and adds what is missing; `missing()` is what the
system check reports. SQLite drops triggers when a migration rebuilds a table, so a guard that
lived in a migration would be gone without a word after the next one.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from saas.authentication.lookup import PROOFS, Proof
from saas.persistence.encryption import EncryptedText
from saas.persistence.tenant import TenantModel
from saas.tenancy.entrance import policies_kept, roles_held

# Never wrapped in (SELECT …): the planner could not see the value and would read whole tables.
BOUND = "nullif(current_setting('app.tenant', true), '')::uuid"
REFUSE_CHANGE = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'these rows are append-only' USING ERRCODE = 'restrict_violation'; END $$
"""
REFUSE_FROZEN = """
CREATE OR REPLACE FUNCTION refuse_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'this row is frozen' USING ERRCODE = 'restrict_violation'; END $$
"""
# A frozen row's sealed columns may be sealed anew, as keys change: by the owner of the table alone,
# who must say so, with everything else of the row as it was. Who breaks into a request is not the
# owner, whatever they say.
REFUSE_UNLESS_RESEALED = """
CREATE OR REPLACE FUNCTION refuse_unless_resealed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    name text;
    was jsonb := to_jsonb(OLD);
    becomes jsonb := to_jsonb(NEW);
    is_owner boolean := EXISTS (
        SELECT FROM pg_class WHERE oid = TG_RELID AND relowner = current_user::regrole);
BEGIN
    FOREACH name IN ARRAY TG_ARGV LOOP
        IF (was ->> name IS NULL) <> (becomes ->> name IS NULL)
                OR becomes ->> name NOT LIKE 'v1.%' THEN is_owner := false; END IF;
        was := was - name;
        becomes := becomes - name;
    END LOOP;
    IF NOT is_owner OR was <> becomes
            OR current_setting('app.resealing', true) IS DISTINCT FROM 'on' THEN
        RAISE EXCEPTION 'this row is frozen' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$
"""
# The foreign key of one column, whatever it is called.
DROP_KEY = """
DO $$ DECLARE found name; BEGIN
    FOR found IN SELECT conname FROM pg_constraint JOIN pg_attribute
        ON attrelid = conrelid AND conkey = ARRAY[attnum]
        WHERE contype = 'f' AND conrelid = '%s'::regclass AND attname = '%s'
    LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %%I', found); END LOOP;
END $$
"""
LISTING = "current_setting('app.across_tenants', true) = 'ids'"
TAKING = "current_setting('app.across_tenants', true) = 'outbox'"


class Guard(NamedTuple):
    """One object in the database: its table, its name, and the statements that create it.

    They replace what stands under the name: a guard that was switched off is missing too.
    """

    table: str
    name: str
    statements: tuple[str, ...]


class AppendOnly(models.Model):
    """A table whose rows are written once: the database refuses UPDATE, DELETE and TRUNCATE."""

    class Meta:
        abstract = True


class OwnerChanges(models.Model):
    """A table that the serving role reads and adds to; only the owner's commands change it."""

    class Meta:
        abstract = True


class DropBox(models.Model):
    """A table that each tenant, or nobody, puts rows into, and that only the room named for it
    looks into: whoever breaks into a request can read or take none, not even their own.
    """

    tenant_id = models.UUIDField(null=True, editable=False)

    class Meta:
        abstract = True


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


def same_tenant_keys(model: type[TenantModel]) -> Iterator[models.ForeignKey]:  # type: ignore[type-arg]  # as in TenantKey
    """The foreign keys of `model` that point at rows of a tenant, so must stay inside it."""
    for field in model._meta.local_fields:
        if isinstance(field, models.ForeignKey) and issubclass(field.related_model, TenantModel):
            yield field


def forbidden_change(model: type[TenantModel]) -> str:
    """The condition under which a row with a `life` may not be updated, as both databases read it.

    A column is frozen unless `life` names it, so one that is added later is frozen too.
    """
    life = model.life
    assert life is not None  # noqa: S101  # asked for such models alone
    spared = {*life.still, *sealed_columns(model)}  # the latter have a guard of their own
    columns = [f.column for f in model._meta.local_fields if f.column not in spared]
    changed = " OR ".join(f'OLD."{name}" IS DISTINCT FROM NEW."{name}"' for name in columns)
    moves = [f"OLD.{life.state} = NEW.{life.state}"]
    for state, following in life.moves.items():
        moves += [
            f"OLD.{life.state} = '{state}' AND NEW.{life.state} = '{next_}'" for next_ in following
        ]
    return (
        f"(OLD.{life.state} <> '{life.first}' AND ({changed})) OR NOT ("
        + " OR ".join(f"({move})" for move in moves)
        + ")"
    )


def sealed_columns(model: type[models.Model]) -> list[str]:
    """The columns that hold sealed values."""
    fields = [field for field in model._meta.local_fields if isinstance(field, EncryptedText)]
    return [str(field.column) for field in fields]


def parent_of(model: type[TenantModel]) -> tuple[str, type[TenantModel]]:
    """The column and the model of the row that the rows of `model` are frozen with."""
    [field] = [key for key in same_tenant_keys(model) if key.name == model.part_of]
    return field.column, cast(type[TenantModel], field.related_model)


def marked(name: str, text: str) -> str:
    """`name` with the digest of what it does: another declaration is another guard, and missing."""
    return f"{name}_{hashlib.sha256(text.encode()).hexdigest()[:8]}"


class Named(models.Expression):
    """A name of a function's own, where a query has a value."""

    def __init__(self, name: str, field: "models.Field[Any, Any]") -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, *_: Any) -> tuple[str, tuple[()]]:
        """The name; nothing is left to be filled in."""
        return self.name, ()


def text_and_types(rows: models.QuerySet[Any]) -> tuple[str, list[str]]:
    """A query as a statement without parameters, and the types of its columns."""
    compiler = rows.query.get_compiler(connection=connection)
    text, parameters = compiler.as_sql()
    if parameters:
        raise ValueError(f"A value would be frozen into a function: {text}")
    return text, [str(column.output_field.db_type(connection)) for column, *_ in compiler.select]


def unwalled(label: str) -> "models.QuerySet[Any]":
    """All rows of a model, to write a statement with, past the manager that wants a tenant."""
    return models.QuerySet(apps.get_model(label))


class _PostgreSQL:
    """Row security, composite keys, triggers and functions of PostgreSQL."""

    def proof(self, proof: Proof) -> Iterator[Guard]:
        """The look-up of a credential with what follows from it: one trip, and a plan that the
        session keeps. It has the caller's rights (SECURITY INVOKER), so every policy stands.
        """
        name, text, moment = proof.function, models.TextField(), models.DateTimeField()
        found = proof.rows(Named(f"{name}.shown", text), Named(f"{name}.moment", moment))
        row, types = text_and_types(found.values_list(*proof.columns))
        tenant = Named(f"{name}.{proof.tenant}", models.UUIDField())
        person = Named(f"{name}.{proof.person}", models.UUIDField())
        members = unwalled(settings.SAAS_MEMBERSHIP_MODEL).filter(tenant_id=tenant)
        role, [role_type] = text_and_types(roles_held(members, person))
        policies = unwalled(settings.SAAS_POLICY_MODEL)
        policy, [policy_type] = text_and_types(policies_kept(policies, tenant))
        body = f"""
            BEGIN
                PERFORM set_config('app.credential', shown, true);
                {row} INTO {", ".join(proof.columns)};
                IF FOUND THEN
                    PERFORM set_config('app.tenant', {name}.{proof.tenant}::text, true),
                        set_config('app.credential', '', true);
                    {role} INTO role_there;
                    {policy} INTO policy_there;
                END IF;
            END
        """
        outs = [f"OUT {column} {type_}" for column, type_ in zip(proof.columns, types, strict=True)]
        outs += [f"OUT role_there {role_type}", f"OUT policy_there {policy_type}"]
        given = ", ".join(outs)
        yield Guard(
            "",
            marked(name, body),
            (
                f"DROP FUNCTION IF EXISTS {name}(text, timestamptz)",
                f"CREATE FUNCTION {name}(shown text, moment timestamptz, {given}) "
                "LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, public, pg_temp "
                f"AS $${body}$$",
            ),
        )

    def root(self, model: type[models.Model]) -> Iterator[Guard]:
        """The tenant's own row, which is its own tenant; its id may be listed by the room named for
        it.
        """
        table, key = model._meta.db_table, model._meta.pk.column
        yield self._policy(table, "tenant_rows", f"{key} = {BOUND}")
        yield self._read_policy(table, "listed_across_tenants", LISTING)

    def rows(self, model: type[TenantModel]) -> Iterator[Guard]:
        """Rows are seen and written under their own tenant only, by the tables' owner too."""
        table = model._meta.db_table
        yield self._policy(table, "tenant_rows", f"tenant_id = {BOUND}")
        for column, setting in model.readable_by.items():
            cast = "::uuid" if column.endswith("_id") else ""
            condition = f"{column} = nullif(current_setting('{setting}', true), ''){cast}"
            yield self._read_policy(table, f"readable_by_{column}", condition)

    def reference(self, model: type[TenantModel], field: "models.ForeignKey") -> Iterator[Guard]:  # type: ignore[type-arg]  # as above
        """A row's reference includes the tenant: foreign-key checks pass row security by.

        It takes the place of Django's own key, which checks the same row again and knows no tenant;
        and of a part's key to its tenant, which is that of the whole.
        """
        table, target = model._meta.db_table, field.related_model._meta.db_table
        name = f"{table}_{field.column}_same_tenant"
        own = [field.column, *(["tenant_id"] if field.name == model.part_of else [])]
        yield Guard(
            table,
            name,
            (
                f'ALTER TABLE {table} DROP CONSTRAINT IF EXISTS "{name}"',
                f'ALTER TABLE {table} ADD CONSTRAINT "{name}" '
                f"FOREIGN KEY (tenant_id, {field.column}) "
                f"REFERENCES {target} (tenant_id, id) DEFERRABLE INITIALLY DEFERRED NOT VALID",
                f'ALTER TABLE {table} VALIDATE CONSTRAINT "{name}"',
                *(DROP_KEY % (table, column, table) for column in own),
            ),
        )

    def append_only(self, model: type[models.Model]) -> Iterator[Guard]:
        """No change and no removal, whoever asks."""
        table = model._meta.db_table
        for operation, level in (("UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
            name = f"{table}_no_{operation.split()[0].lower()}"
            yield Guard(
                table,
                name,
                (
                    REFUSE_CHANGE,
                    f'DROP TRIGGER IF EXISTS "{name}" ON {table}',
                    f'CREATE TRIGGER "{name}" BEFORE {operation} ON {table} '
                    f"FOR EACH {level} EXECUTE FUNCTION refuse_change()",
                ),
            )

    def drop_box(self, model: type[models.Model]) -> Iterator[Guard]:
        """Everybody puts in, for the bound tenant alone; only the room named for it takes out."""
        table = model._meta.db_table
        yield self._policy(table, "taken_across_tenants", TAKING)
        name, own = "put_in", f"tenant_id IS NOT DISTINCT FROM {BOUND}"
        yield Guard(
            table,
            name,
            (
                f"DROP POLICY IF EXISTS {name} ON {table}",
                f"CREATE POLICY {name} ON {table} FOR INSERT WITH CHECK ({own})",
            ),
        )

    def frozen(self, model: type[TenantModel]) -> Iterator[Guard]:
        """After its first state a row stays, and changes only where its `life` says."""
        if model.life is None:
            return
        table, state = model._meta.db_table, model.life.state
        change = forbidden_change(model)
        yield self._freeze(table, marked(f"{table}_frozen", change), "UPDATE", change)
        stays = f"OLD.{state} <> '{model.life.first}'"
        yield self._freeze(table, f"{table}_stays", "DELETE", stays)
        yield self._freeze(table, f"{table}_no_truncate", "TRUNCATE")

    def sealed(self, model: type[TenantModel]) -> Iterator[Guard]:
        """Of a frozen row the sealed columns stay too, until its owner seals them anew."""
        columns = sealed_columns(model)
        if model.life is None or not columns:
            return
        table, life = model._meta.db_table, model.life
        changed = " OR ".join(f'OLD."{name}" IS DISTINCT FROM NEW."{name}"' for name in columns)
        condition = f"OLD.{life.state} <> '{life.first}' AND ({changed})"
        name = marked(f"{table}_sealed", condition + REFUSE_UNLESS_RESEALED)
        arguments = ", ".join(f"'{column}'" for column in columns)
        yield Guard(
            table,
            name,
            (
                REFUSE_UNLESS_RESEALED,
                f'DROP TRIGGER IF EXISTS "{name}" ON {table}',
                f'CREATE TRIGGER "{name}" BEFORE UPDATE ON {table} FOR EACH ROW '
                f"WHEN ({condition}) EXECUTE FUNCTION refuse_unless_resealed({arguments})",
            ),
        )

    def _freeze(self, table: str, name: str, operation: str, condition: str = "") -> Guard:
        level = f"FOR EACH ROW WHEN ({condition})" if condition else "FOR EACH STATEMENT"
        return Guard(
            table,
            name,
            (
                REFUSE_FROZEN,
                f'DROP TRIGGER IF EXISTS "{name}" ON {table}',
                f'CREATE TRIGGER "{name}" BEFORE {operation} ON {table} {level} '
                "EXECUTE FUNCTION refuse_frozen()",
            ),
        )

    def frozen_parts(self, model: type[TenantModel]) -> Iterator[Guard]:
        """No part joins, leaves or changes once the whole is frozen. The whole is locked, so that
        it does not freeze between the look and the commit.
        """
        if not model.part_of:
            return
        table = model._meta.db_table
        column, parent = parent_of(model)
        whole = f"{parent._meta.db_table} WHERE id IN (OLD.{column}, NEW.{column})"
        if parent.life:
            state = parent.life.state
            states = f"SELECT {state} FROM {whole} FOR SHARE"  # noqa: S608  # names of our own classes
            is_frozen = f"found_state <> '{parent.life.first}'"
        else:  # frozen from its first moment: its parts are written before it
            states = f"SELECT 'written' FROM {whole}"  # noqa: S608  # as above
            is_frozen = "true"
        body = f"""
            DECLARE found_state text;
            BEGIN
                FOR found_state IN {states} LOOP
                    IF {is_frozen} THEN
                        RAISE EXCEPTION 'this row is part of a frozen one'
                            USING ERRCODE = 'restrict_violation';
                    END IF;
                END LOOP;
                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                RETURN NEW;
            END
        """
        name = marked(f"{table}_frozen_part", body)
        yield Guard(
            table,
            name,
            (
                f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql "
                f"AS $$ {body} $$",
                f'DROP TRIGGER IF EXISTS "{name}" ON {table}',
                f'CREATE TRIGGER "{name}" BEFORE INSERT OR UPDATE OR DELETE ON {table} '
                f"FOR EACH ROW EXECUTE FUNCTION {name}()",
            ),
        )

    def _policy(self, table: str, name: str, condition: str) -> Guard:
        return Guard(
            table,
            name,
            (
                f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
                f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
                f"DROP POLICY IF EXISTS {name} ON {table}",
                f"CREATE POLICY {name} ON {table} USING ({condition}) WITH CHECK ({condition})",
            ),
        )

    def _read_policy(self, table: str, name: str, condition: str) -> Guard:
        return Guard(
            table,
            name,
            (
                f"DROP POLICY IF EXISTS {name} ON {table}",
                f"CREATE POLICY {name} ON {table} FOR SELECT USING ({condition})",
            ),
        )


class _SQLite:
    """What triggers can stand in for on SQLite: references and append-only; the manager is the only
    wall of rows.
    """

    def proof(self, proof: Proof) -> Iterator[Guard]:
        """SQLite has no functions of its own: the queries run one by one."""
        yield from ()

    def root(self, model: type[models.Model]) -> Iterator[Guard]:
        """SQLite has no row security."""
        yield from ()

    def rows(self, model: type[TenantModel]) -> Iterator[Guard]:
        """SQLite has no row security."""
        yield from ()

    def reference(self, model: type[TenantModel], field: "models.ForeignKey") -> Iterator[Guard]:  # type: ignore[type-arg]  # as above
        """A row may not be written whose reference belongs to another tenant."""
        table, target = model._meta.db_table, field.related_model._meta.db_table
        for operation in ("INSERT", "UPDATE"):
            name = f"{table}_{field.column}_same_tenant_{operation.lower()}"
            theirs = f"(SELECT tenant_id FROM {target} WHERE id = NEW.{field.column})"  # noqa: S608  # names of our models
            statement = (
                f'CREATE TRIGGER "{name}" BEFORE {operation} ON {table} '
                f"WHEN NEW.tenant_id <> {theirs} "
                "BEGIN SELECT RAISE(ABORT, 'a row refers to another tenant'); END"
            )
            yield Guard(table, name, (statement,))

    def append_only(self, model: type[models.Model]) -> Iterator[Guard]:
        """No change and no removal; INSERT OR REPLACE too, since recursive_triggers is on."""
        table = model._meta.db_table
        refusal = "BEGIN SELECT RAISE(ABORT, 'these rows are append-only'); END"
        for operation in ("UPDATE", "DELETE"):
            name = f"{table}_no_{operation.lower()}"
            statement = f'CREATE TRIGGER "{name}" BEFORE {operation} ON {table} {refusal}'
            yield Guard(table, name, (statement,))

    def drop_box(self, model: type[models.Model]) -> Iterator[Guard]:
        """SQLite has no row security."""
        yield from ()

    def frozen(self, model: type[TenantModel]) -> Iterator[Guard]:
        """After its first state a row stays, and changes only where its `life` says."""
        if model.life is None:
            return
        table = model._meta.db_table
        change = forbidden_change(model)
        yield self._freeze(table, marked(f"{table}_frozen", change), "UPDATE", change)
        stays = f"OLD.{model.life.state} <> '{model.life.first}'"
        yield self._freeze(table, f"{table}_stays", "DELETE", stays)

    def sealed(self, model: type[TenantModel]) -> Iterator[Guard]:
        """Of a frozen row the sealed columns stay too; `resealing()` takes the trigger down for
        the length of a transaction, in which nobody else can write here.
        """
        columns = sealed_columns(model)
        if model.life is None or not columns:
            return
        changed = " OR ".join(f'OLD."{name}" IS NOT NEW."{name}"' for name in columns)
        condition = f"OLD.{model.life.state} <> '{model.life.first}' AND ({changed})"
        table = model._meta.db_table
        yield self._freeze(table, marked(f"{table}_sealed", condition), "UPDATE", condition)

    def frozen_parts(self, model: type[TenantModel]) -> Iterator[Guard]:
        """No part joins, leaves or changes once the whole is frozen."""
        if not model.part_of:
            return
        table = model._meta.db_table
        column, parent = parent_of(model)
        frozen = f" AND {parent.life.state} <> '{parent.life.first}'" if parent.life else ""
        rows = {"INSERT": ("NEW",), "UPDATE": ("OLD", "NEW"), "DELETE": ("OLD",)}
        for operation, sides in rows.items():
            ids = ", ".join(f"{side}.{column}" for side in sides)
            whole = f"{parent._meta.db_table} WHERE id IN ({ids}){frozen}"
            found = f"EXISTS (SELECT 1 FROM {whole})"  # noqa: S608  # names of our own classes
            name = marked(f"{table}_frozen_part_{operation.lower()}", found)
            yield self._freeze(table, name, operation, found)

    def _freeze(self, table: str, name: str, operation: str, condition: str) -> Guard:
        refusal = "BEGIN SELECT RAISE(ABORT, 'this row is frozen'); END"
        statement = f'CREATE TRIGGER "{name}" BEFORE {operation} ON {table} WHEN {condition} '
        return Guard(table, name, (statement + refusal,))


POSTGRESQL, SQLITE = _PostgreSQL(), _SQLite()


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


def grants(connection: BaseDatabaseWrapper) -> Iterator[str]:
    """What the serving role may do, stated again after each migration; nothing when it owns the
    tables itself.
    """
    role, owner = settings.DATABASE_ROLE, connection.settings_dict["USER"]
    if role == owner:
        return
    quoted = connection.ops.quote_name(str(role))
    yield f"GRANT USAGE ON SCHEMA public TO {quoted}"
    yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {quoted}"
    yield f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {quoted}"
    yield f"REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {quoted}"
    tables = set(connection.introspection.table_names())
    for model in apps.get_models():
        if issubclass(model, (AppendOnly, OwnerChanges)) and model._meta.db_table in tables:
            yield f"REVOKE UPDATE, DELETE, TRUNCATE ON {model._meta.db_table} FROM {quoted}"


READER, AUDITOR = "strongroom_reader", "strongroom_auditor"  # as create_roles makes them


def reading_grants(connection: BaseDatabaseWrapper, roles: set[str]) -> Iterator[str]:
    """What persons may read, where these roles were made: rows, but no keys and no tasks; or the
    trail alone.
    """
    tables = set(connection.introspection.table_names())
    if READER in roles:
        yield f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER}"
        for model in apps.get_models():
            if issubclass(model, (OwnerChanges, DropBox)) and model._meta.db_table in tables:
                yield f"REVOKE SELECT ON {model._meta.db_table} FROM {READER}"  # noqa: S608  # our own names
    if AUDITOR in roles:
        for table in sorted(name for name in tables if name.startswith("audit_")):
            yield f"GRANT SELECT ON {table} TO {AUDITOR}"
