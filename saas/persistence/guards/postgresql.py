"""The walls as PostgreSQL keeps them: row security, composite keys, triggers and functions."""

from collections.abc import Iterator

from django.db import models

from saas.authentication.lookup import Proof
from saas.persistence.guards.declared import (
    Guard,
    forbidden_change,
    marked,
    parent_of,
    sealed_columns,
)
from saas.persistence.guards.proving import function_of
from saas.persistence.tenant import TenantModel

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


class PostgreSQL:
    """Row security, composite keys, triggers and functions of PostgreSQL."""

    def proof(self, proof: Proof) -> Iterator[Guard]:
        """A function proves who calls, by one statement."""
        yield function_of(proof)

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
