"""A sensitive column holds only sealed values, each readable in its own row, column and tenant
alone.
"""

from base64 import b64decode, b64encode
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from django.apps import apps
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from saas import crypto
from saas.crypto import Unreadable
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
        return Sealed(_seal(value, self._context(model_instance)))

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

    def _context(self, row: models.Model) -> str:
        tenant_id = getattr(row, "tenant_id", None) or bound_tenant()
        return f"{row._meta.db_table}:{self.column}:{tenant_id}:{row.pk}"

    def read(self, row: models.Model) -> str | None:
        """The plain value of this column in `row`."""
        value = row.__dict__.get(self.attname)
        return _open(value.token, self._context(row)) if isinstance(value, Sealed) else value


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
        return crypto.digest(
            f"{bound_tenant()}\0{value.casefold()}",
            purpose=f"index:{self.model._meta.db_table}.{self.source}",
        )


def create_data_key() -> None:
    """Give the bound tenant its first data key; called once, when the tenant is made."""
    model = apps.get_model("persistence", "DataKey")
    key = model()
    key.wrapped = b64encode(
        crypto.wrap(crypto.random_key(), _key_context(bound_tenant(), key.pk))
    ).decode()
    key.save()


def _seal(value: str, context: str) -> str:
    key_id = _current_key_id(bound_tenant())
    sealed = crypto.seal(_data_key(bound_tenant(), key_id), value.encode(), context.encode())
    return f"{VERSION}.{key_id}.{b64encode(sealed).decode()}"


def _open(token: str, context: str) -> str:
    version, _, rest = token.partition(".")
    key_id, _, body = rest.partition(".")
    try:
        if version != VERSION:
            raise ValueError(version)
        key = _data_key(bound_tenant(), UUID(key_id))
        return crypto.unseal(key, b64decode(body, validate=True), context.encode()).decode()
    except ValueError as fault:
        raise Unreadable("The stored value has no known form.") from fault


@lru_cache(maxsize=4096)
def _current_key_id(tenant_id: UUID) -> UUID:
    """The key that new values are sealed under."""
    model = apps.get_model("persistence", "DataKey")
    key_id: UUID = model.objects.filter(retired_at=None).latest("id").pk
    return key_id


@lru_cache(maxsize=4096)
def _data_key(tenant_id: UUID, key_id: UUID) -> bytes:
    """A data key of the tenant, opened once per process."""
    model = apps.get_model("persistence", "DataKey")
    key = model.objects.filter(pk=key_id).first()
    if key is None:
        raise Unreadable("The key of this value is gone.")
    return crypto.unwrap(b64decode(key.wrapped), _key_context(tenant_id, key_id))


def _key_context(tenant_id: UUID, key_id: UUID) -> bytes:
    return f"data-key:{tenant_id}:{key_id}".encode()
