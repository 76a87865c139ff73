"""What a model class asks of the database, whichever database it is."""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple, cast

from django.db import models

from saas.persistence.encryption import EncryptedText
from saas.persistence.tenant import TenantModel


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
