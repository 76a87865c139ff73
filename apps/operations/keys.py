"""The acts of a key's life that operators do, each in the trail of the organizations it touches."""

import logging
import re
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.core.management.base import CommandError
from django.db.models import Q
from django.db.models.functions import Now

from apps.operations import agreement
from saas import crypto, custody
from saas.audit import trail
from saas.persistence import rotation
from saas.tenancy.across_tenants import each_tenant_across_tenants, tenant_ids_across_tenants
from saas.tenancy.binding import bind

log = logging.getLogger("saas.keys")
OPERATOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{1,59}")


class KeyLifeEvent(StrEnum):
    """What the trail says of an organization's keys."""

    MADE = "data-key.made"
    REWRAPPED = "data-key.rewrapped"
    RESEALED = "data-key.resealed"
    REMOVED = "data-key.removed"
    DESTROYED = "data-key.destroyed"


def add_operators(parser: ArgumentParser) -> None:
    """Who does it, and who agreed: power over keys wants two persons (DATA-05)."""
    parser.add_argument("--by", default="", help="the operator who does this")
    parser.add_argument("--approved-by", default="", help="another one, who agreed")
    parser.add_argument("--approval", action="append", help="what `manage.py approve` gave each")


def operators(options: dict[str, Any], act: str) -> dict[str, str]:
    """The two names. Raises CommandError unless there are two, and both have signed this act."""
    names = {"by": options["by"], "approved_by": options["approved_by"]}
    if not all(OPERATOR.fullmatch(name) for name in names.values()):
        raise CommandError("Name two operators: --by and --approved-by.")
    if names["by"].casefold() == names["approved_by"].casefold():
        raise CommandError("Whoever does it cannot be the one who approves it.")
    text = f"{act} by {names['by']} with {names['approved_by']}"
    agreement.refuse_unsigned(text, names.values(), options["approval"] or ())
    return names


def new_key_encryption_key(names: dict[str, str]) -> str:
    """Have the provider make one; from now on it wraps."""
    key_id = custody.ask(lambda keeper: keeper.rotate())
    custody.forget()
    log.warning("key-encryption key %s is current: %s", key_id, names)
    return key_id


def rewrap(names: dict[str, str]) -> dict[str, int]:
    """Put everything under the current key-encryption key, room by room; how much that was."""
    done = {held.name: held.renew() for held in custody.HELD}
    if done.get("data keys"):
        for tenant_id in tenant_ids_across_tenants():
            with bind(tenant_id), trail.recording():
                trail.record(None, KeyLifeEvent.REWRAPPED, operators=names)
    return done


def retire_unused(names: dict[str, str]) -> list[str]:
    """Have the provider retire each key-encryption key under which nothing is any more."""
    keeper = custody.provider()
    current, used = keeper.current(), key_encryption_key_uses()
    idle = [name for name in keeper.names() if name != current and not any(used[name].values())]
    for key_id in idle:
        keeper.retire(key_id)
        log.warning("key-encryption key %s is retired: %s", key_id, names)
    return idle


class _Uses(dict[str, dict[str, int]]):
    def __missing__(self, name: str) -> dict[str, int]:
        return {}


def key_encryption_key_uses() -> _Uses:
    """The name of each key-encryption key -> what is under it -> how often."""
    found = _Uses()
    for held in custody.HELD:
        for key_id, count in held.uses().items():
            found.setdefault(key_id, {})[held.name] = count
    return found


def in_each(only: UUID | None, act: Callable[[UUID], str]) -> Iterator[str]:
    """What `act` says of each organization, in its own transaction."""
    for tenant_id in [only] if only else tenant_ids_across_tenants():
        yield f"{tenant_id} {act(tenant_id)}"


def renew(tenant_id: UUID, names: dict[str, str], pause: float) -> str:
    """Another data key for an organization, and its values under it; or go on with what another run
    left.
    """
    with bind(tenant_id), trail.recording():
        key = rotation.renew_data_key()
        if key is not None:
            trail.record(None, KeyLifeEvent.MADE, key, operators=names)
    with bind(tenant_id):
        if not rotation.has_key():
            return "has no key"
    changed = rotation.reseal(tenant_id, pause=pause)
    with bind(tenant_id), trail.recording():
        if changed:
            trail.record(None, KeyLifeEvent.RESEALED, rows=changed, operators=names)
    return f"{changed} rows sealed anew" + ("" if key else ", under the key that was there")


def remove(tenant_id: UUID, names: dict[str, str]) -> str:
    """Remove the retired keys of an organization that a count proves unused."""
    with bind(tenant_id), trail.recording():
        gone = rotation.remove_unused_data_keys()
        for key_id in gone:
            trail.record(None, KeyLifeEvent.REMOVED, key=str(key_id), operators=names)
    return f"{len(gone)} keys removed"


def destroy(tenant_id: UUID, names: dict[str, str], reason: str) -> int:
    """Destroy the data keys of an organization: its sealed values are erased, in every table."""
    with bind(tenant_id), trail.recording():
        count = rotation.destroy_data_keys()
        if count:
            trail.record(None, KeyLifeEvent.DESTROYED, keys=count, reason=reason, operators=names)
    return count


# What stands in a table as a digest under the pepper: label, column, whether a tenant's, and which
# rows still open something. The rest lives for minutes, or in a browser.
PEPPERED = (
    ("integrations.ApiKey", "digest", True, Q(revoked_at=None, expires_at__gt=Now())),
    ("organizations.Invitation", "digest", True, Q(expires_at__gt=Now())),
    ("integrations.OAuthApplication", "client_secret", False, Q(client_type="confidential")),
    ("accounts.RecoveryCode", "digest", False, Q()),
)


def under_another_pepper() -> dict[str, int]:
    """How many digests are not under the pepper of today. Those of keys and clients move over when
    they are used; what ended before anybody used it needs no pepper, and a public client's was
    never a secret.
    """
    other = crypto.mark(settings.SAAS_PEPPER)
    found: dict[str, int] = {}
    for label, column, is_tenants, alive in PEPPERED:
        model = apps.get_model(label)

        def count(model: Any = model, column: str = column, alive: Q = alive) -> int:
            rows = model._default_manager.filter(alive).exclude(**{column: ""})
            return int(rows.exclude(**{f"{column}__endswith": other}).count())

        found[label] = sum(count() for _ in each_tenant_across_tenants()) if is_tenants else count()
    for model, index in rotation.indexes():
        name = f"{model._meta.label}.{index.name}"
        rows = model.objects.exclude(**{index.name: None})
        stale = rows.exclude(**{f"{index.name}__endswith": other})
        found[name] = sum(stale.all().count() for _ in each_tenant_across_tenants())
    return found
