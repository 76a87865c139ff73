"""Keys change while everything is in use: what is still under an old key says so itself, so that
whoever is killed here loses nothing, and the next run goes on.

It runs as the owner of the tables (`manage.py rotate_keys`); who serves may change no key.
"""

import time
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.models import BinaryField, CharField, Count, Q, Value
from django.db.models.functions import Substr
from django.utils import timezone

from saas import crypto, custody
from saas.crypto import Unreadable
from saas.persistence.encryption import (
    VERSION,
    BlindIndex,
    EncryptedText,
    Sealed,
    create_data_key,
    forget_rings,
    key_context,
    open_in_place,
    seal_in_place,
)
from saas.persistence.guards import resealing
from saas.persistence.models import DataKey, OutboxEntry
from saas.persistence.tenant import TenantModel
from saas.tenancy.across_tenants import each_tenant_across_tenants, outbox_across_tenants
from saas.tenancy.binding import bind, bound_tenant

BATCH = (
    50  # rows sealed anew in one transaction: so long a request may have to wait for one of them
)
PASSES = 20  # over a table whose rows others hold locked
ZERO = UUID(int=0)

Columns = list[EncryptedText]


def sealed_models() -> Iterator[tuple[type[TenantModel], Columns]]:
    """Every model that has sealed columns, with them."""
    for model in apps.get_models():
        columns = [f for f in model._meta.local_fields if isinstance(f, EncryptedText)]
        if columns and issubclass(model, TenantModel):
            yield model, columns


def uses() -> Counter[str]:
    """How many values of the bound tenant are under each of its data keys."""
    found = Counter({str(key): 0 for key in DataKey.objects.values_list("pk", flat=True)})
    for model, columns in sealed_models():
        for column in columns:
            rows = model.objects.exclude(**{column.name: None}).annotate(key=_key_of(column))
            found.update(dict(rows.order_by().values_list("key").annotate(Count("pk"))))
    return found


def _key_of(column: EncryptedText) -> Substr:
    """The name of the key in a token, as the database reads it."""
    return Substr(column.name, len(VERSION) + 2, 36, output_field=CharField())


def renew_data_key() -> DataKey | None:
    """Another data key for the bound tenant, from now on; nothing while values are still under an
    old one, or when the tenant's keys were destroyed.
    """
    keys = list(DataKey.objects.select_for_update().order_by("id"))
    current = [key for key in keys if key.retired_at is None]
    found = uses()
    if not current or any(found[str(key.pk)] for key in keys if key.retired_at):
        return None
    made: DataKey = create_data_key()
    DataKey.objects.filter(pk__in=[key.pk for key in current]).update(retired_at=timezone.now())
    forget_rings()
    return made


def has_key() -> bool:
    """Whether the bound tenant has a key to seal under."""
    return bool(DataKey.objects.filter(retired_at=None).exists())


def reseal(tenant_id: UUID, *, pause: float = 0.0) -> int:
    """Put a tenant's values under its current key, a few rows in each transaction, so that nobody
    waits; give how many rows that were. No tenant may be bound yet.
    """
    with bind(tenant_id):
        current = str(DataKey.objects.filter(retired_at=None).latest("id").pk)
    forget_rings()
    changed = 0
    for model, columns in sealed_models():
        for _ in range(PASSES):
            after: UUID | None = ZERO
            while after is not None:
                with bind(tenant_id):
                    after, done = _reseal_some(model, columns, current, after)
                changed += done
                time.sleep(pause)
            with bind(tenant_id):
                if not _stale(model, columns, current).exists():
                    break
            time.sleep(max(pause, 0.05))
    return changed


def _stale(model: type[TenantModel], columns: Columns, current: str) -> Any:
    """The rows of the bound tenant that have a value under another key."""
    found = Q()
    rows = model.objects.all()
    for column in columns:
        rows = rows.annotate(**{f"key_of_{column.name}": _key_of(column)})
        found |= Q(**{f"{column.name}__isnull": False}) & ~Q(**{f"key_of_{column.name}": current})
    return rows.filter(found)


def _reseal_some(
    model: type[TenantModel], columns: Columns, current: str, after: UUID
) -> tuple[UUID | None, int]:
    """Where to go on, or None at the end; and how many rows were sealed anew.

    Whose row somebody holds is left for the next pass. Each value is replaced only where it still
    is what was read: another's change wins.
    """
    names = [column.name for column in columns]
    done = 0
    with resealing(connection):
        rows = (
            _stale(model, columns, current)
            .filter(pk__gt=after)
            .order_by("pk")
            .only("pk", "tenant", *names)
        )
        if connection.features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True, no_key=True, of=("self",))
        found = list(rows[:BATCH])
        for row in found:
            held = {name: row.__dict__[name] for name in names if row.__dict__[name] is not None}
            try:
                fresh = {
                    column.name: Sealed(
                        seal_in_place(
                            open_in_place(held[column.name].token, column.context_of(row)),
                            column.context_of(row),
                        )
                    )
                    for column in columns
                    if column.name in held
                }
            except Unreadable:
                continue  # it is counted under the key that it names, and stays
            done += model.objects.filter(pk=row.pk, **held).update(**fresh)
    return (found[-1].pk if len(found) == BATCH else None), done


def reindex(tenant_id: UUID) -> int:
    """Put a tenant's blind indexes under the pepper of today; give how many. No tenant may be bound
    yet.
    """
    done, ending = 0, crypto.mark(settings.SAAS_PEPPER)
    for model, index in indexes():
        after: UUID | None = ZERO
        while after is not None:
            with bind(tenant_id):
                rows = model.objects.filter(pk__gt=after).exclude(**{index.name: None})
                stale = rows.exclude(**{f"{index.name}__endswith": ending}).order_by("pk")
                found = list(stale.only("pk", "tenant", index.name, index.source)[:BATCH])
                for row in found:
                    # Where value and index are what was read: another's change wins.
                    names = (index.name, index.source)
                    same = model.objects.filter(pk=row.pk, **{n: row.__dict__[n] for n in names})
                    done += same.update(**{index.name: index.of(getattr(row, index.source))})
                after = found[-1].pk if len(found) == BATCH else None
    return done


def indexes() -> Iterator[tuple[type[TenantModel], BlindIndex]]:
    """Every blind index, with its model."""
    for model in apps.get_models():
        for field in model._meta.local_fields:
            if isinstance(field, BlindIndex) and issubclass(model, TenantModel):
                yield model, field


def remove_unused_data_keys() -> list[UUID]:
    """Forget the bound tenant's retired keys under which nothing is any more. One that was retired
    a moment ago may be in use by a process that has not noticed.
    """
    settled = timezone.now() - settings.KEYS.overlap
    found = uses()
    retired = DataKey.objects.filter(retired_at__lte=settled).exclude(wrapped="")
    gone = [key for key in retired.values_list("pk", flat=True) if not found[str(key)]]
    DataKey.objects.filter(pk__in=gone).delete()
    forget_rings()
    return gone


def destroy_data_keys() -> int:
    """Destroy the bound tenant's data keys: what they sealed reads as erased, for ever. What is
    found by an index goes with it, and what waits in the outbox. Give how many keys.
    """
    keys = DataKey.objects.exclude(wrapped="")
    count = keys.update(wrapped="", retired_at=timezone.now())
    for model, index in indexes():
        model.objects.update(**{index.name: None})
    tenant_id = bound_tenant()
    with outbox_across_tenants():
        OutboxEntry.objects.filter(tenant_id=tenant_id).exclude(state=OutboxEntry.DONE).update(
            state=OutboxEntry.DEAD, payload=b"", fault="Erased", ended_at=timezone.now()
        )
    forget_rings()
    return count


# What the key-encryption keys hold here: the data keys, and the arguments of tasks.


def data_key_uses() -> Counter[str]:
    """How many data keys are under each key-encryption key."""
    found: Counter[str] = Counter()
    for _ in each_tenant_across_tenants():
        for wrapped in DataKey.objects.exclude(wrapped="").values_list("wrapped", flat=True):
            found[custody.parts_of(b64decode(wrapped)).key_id] += 1
    return found


def rewrap_data_keys() -> int:
    """Put every data key under the current key-encryption key."""
    current, done = custody.ask(lambda keeper: keeper.current()), 0
    for tenant_id in each_tenant_across_tenants():
        for key in DataKey.objects.exclude(wrapped=""):
            held = b64decode(key.wrapped)
            if custody.parts_of(held).key_id == current:
                continue
            fresh = custody.rewrap(held, key_context(tenant_id, key.pk))
            done += DataKey.objects.filter(pk=key.pk, wrapped=key.wrapped).update(
                wrapped=b64encode(fresh).decode()
            )
    return done


def task_uses() -> Counter[str]:
    """How many tasks are locked under each key-encryption key."""
    with outbox_across_tenants():
        payloads = _tasks().values_list("payload", flat=True)
        return Counter(custody.key_of(bytes(payload)) for payload in payloads.iterator())


def relock_tasks() -> int:
    """Put every task that waits or died under the current key-encryption key."""
    current, done = custody.ask(lambda keeper: keeper.current()), 0
    with outbox_across_tenants():
        ids = list(_tasks().values_list("pk", flat=True))
    for pk in ids:
        with outbox_across_tenants():  # one at a time: workers wait for none of them
            entry = _tasks().filter(pk=pk).first()
            if entry and custody.key_of(held := bytes(entry.payload)) != current:
                same = OutboxEntry.objects.filter(pk=pk, payload=held)
                done += same.update(payload=custody.relock(held))
    return done


def _tasks() -> Any:
    return OutboxEntry.objects.exclude(payload=Value(b"", output_field=BinaryField())).only(
        "pk", "payload"
    )
