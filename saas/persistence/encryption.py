"""A sensitive column holds only sealed values, each readable in its own row, column and tenant
alone.
"""

import time
from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from saas import crypto, custody
from saas.crypto import Erased, Unreadable
from saas.tenancy.binding import bound_tenant

VERSION = "v1"
LOOKUPS = frozenset({"isnull", "exact", "in"})  # the last two refuse with their reason


class Sealed(NamedTuple):
    """A value as the column holds it: `v1.<key id>.<base64 of nonce and ciphertext>`."""

    token: str

    def __repr__(self) -> str:
        """Nothing to log."""
        return "<sealed>"


class PlainTextAtTheDatabase(RuntimeError):
    """A sensitive value was about to be written or compared without its row, so without being
    sealed.
    """


class EncryptedText(models.TextField):  # type: ignore[type-arg]  # the stubs make it generic, Django does not
    """Text under AES-256-GCM with the tenant's data key; table, column, tenant and row are
    authenticated.

    A value copied into another row, column or tenant raises Unreadable instead of reading as
    somebody else's. It is opened when the attribute is read, not when the row is.
    """

    def contribute_to_class(
        self, cls: type[models.Model], name: str, private_only: bool = False
    ) -> None:
        """Put a reader in front of the attribute."""
        super().contribute_to_class(cls, name, private_only)
        setattr(cls, self.attname, _Reader(self))

    def from_db_value(self, value: str | None, *_: Any) -> Sealed | None:
        """Keep what the database gave sealed until somebody asks."""
        return None if value is None else Sealed(value)

    def pre_save(self, model_instance: models.Model, add: bool) -> Sealed | None:
        """Seal a plain value for this row."""
        value = model_instance.__dict__.get(self.attname)
        if value is None or isinstance(value, Sealed):
            return value
        return Sealed(seal_in_place(value, self.context_of(model_instance)))

    def get_prep_value(self, value: Any) -> str | None:
        """Let nothing but sealed values through: `update()` and look-ups have no row to seal
        for.
        """
        if value is None:
            return None
        if not isinstance(value, Sealed):
            raise PlainTextAtTheDatabase(
                f"{self.name} is encrypted: save the row, or use its blind index."
            )
        return value.token

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        """Refuse expressions: the database would compute a value that nobody has sealed."""
        if hasattr(value, "as_sql"):
            raise PlainTextAtTheDatabase(f"{self.name} is encrypted: save the row.")
        return super().get_db_prep_save(value, connection)

    def get_lookup(self, lookup_name: str) -> Any:
        """Only whether there is a value: searching in what is sealed would send the plain text to
        the database and find nothing.
        """
        return super().get_lookup(lookup_name) if lookup_name in LOOKUPS else None

    def context_of(self, row: models.Model) -> str:
        """Where a value of this column in `row` belongs: part of its seal."""
        tenant_id = getattr(row, "tenant_id", None) or bound_tenant()
        return f"{row._meta.db_table}:{self.column}:{tenant_id}:{row.pk}"

    def read(self, row: models.Model) -> str | None:
        """The plain value of this column in `row`."""
        value = row.__dict__.get(self.attname)
        return (
            open_in_place(value.token, self.context_of(row)) if isinstance(value, Sealed) else value
        )


class _Reader:
    """Opens a sealed attribute on reading; a deferred column is fetched first, as Django does."""

    def __init__(self, field: EncryptedText) -> None:
        self.field = field

    def __get__(self, row: models.Model | None, owner: type[models.Model]) -> Any:
        if row is None:
            return self
        if self.field.attname not in row.__dict__:
            row.refresh_from_db(fields=[self.field.attname])
        return self.field.read(row)

    def __set__(self, row: models.Model, value: Any) -> None:
        row.__dict__[self.field.attname] = value


class BlindIndex(models.CharField):  # type: ignore[type-arg]  # as above
    """A keyed digest beside an encrypted column, so that equal values can be found and nothing can
    be read.
    """

    def __init__(self, source: str, **options: Any) -> None:
        self.source = source
        super().__init__(**options | {"max_length": 64, "null": True, "editable": False})

    def deconstruct(self) -> Any:
        """Name the source in migrations."""
        name, path, args, kwargs = super().deconstruct()
        for fixed in ("max_length", "null", "editable"):
            kwargs.pop(fixed, None)
        return name, path, args, kwargs | {"source": self.source}

    def pre_save(self, model_instance: models.Model, add: bool) -> str | None:
        """Follow the source whenever the row is saved."""
        value = getattr(model_instance, self.source)
        index = None if value is None else self.of(value)
        setattr(model_instance, self.attname, index)
        return index

    def of(self, value: str) -> str:
        """The index of `value` for the bound tenant: two tenants' equal values have different
        ones.
        """
        return next(self.all_of(value))

    def all_of(self, value: str) -> Iterator[str]:
        """The index, and while the pepper changes the one of before: what a look-up asks for."""
        return crypto.digests(
            f"{bound_tenant()}\0{value.casefold()}",
            purpose=f"index:{self.model._meta.db_table}.{self.source}",
        )


def create_data_key() -> Any:
    """Give the bound tenant a data key, under which it seals from now on: its first when it is
    made, another when keys are rotated.
    """
    model = apps.get_model("persistence", "DataKey")
    key = model()
    wrapped = custody.wrap(crypto.random_key(), key_context(bound_tenant(), key.pk))
    key.wrapped = b64encode(wrapped).decode()
    key.save(force_insert=True)
    return key


def key_context(tenant_id: UUID, key_id: UUID) -> bytes:
    """Where a data key belongs."""
    return f"data-key:{tenant_id}:{key_id}".encode()


class _Ring(NamedTuple):
    """A tenant's data keys as they stood when somebody looked: wrapped, each with its context."""

    current: UUID | None
    keys: dict[UUID, tuple[bytes, bytes]]
    until: float


_rings: dict[UUID, _Ring] = {}


def _ring(tenant_id: UUID, *, afresh: bool = False) -> _Ring:
    """The tenant's keys, looked at again after a few seconds: so soon a process learns that one is
    new, and that one was destroyed. One statement then, and none in between.
    """
    ring = _rings.get(tenant_id)
    if ring is None or afresh or ring.until <= time.monotonic():
        model = apps.get_model("persistence", "DataKey")
        rows = model.objects.order_by("id").values_list("pk", "wrapped", "retired_at")
        keys, current = {}, None
        for key_id, wrapped, retired_at in rows:
            keys[key_id] = b64decode(wrapped), key_context(tenant_id, key_id)
            current = current if retired_at else key_id
        until = time.monotonic() + settings.KEYS.seen.total_seconds()
        while len(_rings) >= settings.KEYS.kept:
            _rings.pop(next(iter(list(_rings))), None)
        _rings[tenant_id] = ring = _Ring(current, keys, until)
    return ring


def forget_rings() -> None:
    """What this process knows of all tenants' keys."""
    _rings.clear()


def seal_in_place(value: str, context: str) -> str:
    """The token of a value, under the bound tenant's current key."""
    ring = _ring(bound_tenant())
    if ring.current is None:
        ring = _ring(bound_tenant(), afresh=True)
    if ring.current is None:
        raise Erased("There is no key to seal under any more.")
    key = _key(ring, ring.current)
    sealed = crypto.seal(key, value.encode(), context.encode())
    return f"{VERSION}.{ring.current}.{b64encode(sealed).decode()}"


def open_in_place(token: str, context: str) -> str:
    """The value of a token, in the place that it was sealed for."""
    version, _, rest = token.partition(".")
    key_id, _, body = rest.partition(".")
    try:
        if version != VERSION:
            raise ValueError(version)
        name, sealed = UUID(key_id), b64decode(body, validate=True)
    except ValueError as fault:
        raise Unreadable("The stored value has no known form.") from fault
    ring = _ring(bound_tenant())
    if name not in ring.keys:  # sealed a moment ago, elsewhere, under a key that is new
        ring = _ring(bound_tenant(), afresh=True)
    return crypto.unseal(_key(ring, name), sealed, context.encode()).decode()


def _key(ring: _Ring, key_id: UUID) -> bytes:
    if key_id not in ring.keys:
        raise Unreadable("The key of this value is gone.")
    wrapped, context = ring.keys[key_id]
    if not wrapped:
        raise Erased("The key of this value was destroyed.")
    return custody.opened.key(wrapped, context)
