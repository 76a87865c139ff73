"""The walls as far as SQLite can keep them."""

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
from saas.persistence.tenant import TenantModel


class SQLite:
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
