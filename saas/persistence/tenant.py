"""Rows that belong to a tenant: the first wall, and the declarations from which the second is
built.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from saas.ids import IdField
from saas.tenancy.binding import BoundTenant, bound_tenant


class Life(NamedTuple):
    """The states of a row. In the first it may change and go; from then on it stays, and only the
    columns `still` change. `moves` says which states may follow each; `state` is the column.
    """

    state: str
    moves: Mapping[str, tuple[str, ...]]
    still: tuple[str, ...]

    @property
    def first(self) -> str:
        """The state in which everything may change."""
        return next(iter(self.moves))


class ForeignTenant(RuntimeError):
    """A row of one tenant was about to be written or deleted under another."""


class TenantManager[M: models.Model](models.Manager[M]):
    """The rows of the bound tenant. With no tenant bound there are not fewer rows: it raises."""

    def get_queryset(self) -> models.QuerySet[M]:
        """Filtered by an expression that reads the binding when SQL is compiled."""
        return super().get_queryset().filter(tenant=BoundTenant())


class TenantKey(models.ForeignKey):  # type: ignore[type-arg]  # the stubs make it generic, Django does not
    """The tenant of a row: filled from the binding, and checked against it whenever the row is
    written.
    """

    def __init__(self, to: Any = None, on_delete: Any = models.PROTECT, **options: Any) -> None:
        options |= {"editable": False, "related_name": "+", "db_index": False}
        super().__init__(to or settings.SAAS_TENANT_MODEL, on_delete=on_delete, **options)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Take the bound tenant for a row that has none."""
        if getattr(model_instance, self.attname) is None:
            setattr(model_instance, self.attname, bound_tenant())
        return super().pre_save(model_instance, add)

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        """Refuse any other tenant than the bound one: managers do not see what `save()` writes."""
        if value != bound_tenant():
            raise ForeignTenant("This row belongs to another tenant than the bound one.")
        return super().get_db_prep_save(value, connection)


class TenantModel(models.Model):
    """A row that never leaves its tenant.

    From this class alone come the manager's filter, the row-security policy, the composite
    foreign keys to other tenant rows and the system check that compares them
    (saas.persistence.guards).
    """

    id = IdField()
    tenant = TenantKey()

    objects = TenantManager()

    # Other settings of the session by which a single row may also be *read*: column -> setting.
    readable_by: ClassVar[Mapping[str, str]] = {}
    life: ClassVar[Life | None] = None  # when a row stops changing
    part_of: ClassVar[str] = ""  # the foreign key to the row that these are frozen with

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def __str__(self) -> str:
        """The kind and the id: nothing that a log should not hold."""
        return f"{self._meta.label} {self.pk}"

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete, but only under the row's own tenant: Django deletes by key, past every
        manager.
        """
        if self.tenant_id != bound_tenant():
            raise ForeignTenant("This row belongs to another tenant than the bound one.")
        return super().delete(*args, **kwargs)


def tenant_reference() -> models.UniqueConstraint:
    """The target of composite foreign keys: unique by definition, and the index that lists
    pages.
    """
    return models.UniqueConstraint(
        fields=["tenant", "id"], name="%(app_label)s_%(class)s_tenant_id"
    )
