"""What a copy must show before anything is done in it. Each check names what is wrong, and none is
the last.
"""

from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Model
from django.utils import timezone
from django.utils.module_loading import import_string

from apps.organizations.models import SecurityPolicy
from apps.recovery import ledgers, manifest, powers, probes
from saas.audit import chain, trail
from saas.audit.models import AuditHead
from saas.crypto import Unreadable
from saas.persistence.encryption import EncryptedText
from saas.persistence.models import DataKey, OutboxEntry
from saas.persistence.outbox import OUTSIDE, call_of
from saas.persistence.tenant import TenantModel
from saas.tenancy.across_tenants import (
    each_tenant_across_tenants,
    outbox_across_tenants,
    tenant_ids_across_tenants,
)
from saas.tenancy.binding import bind

SAMPLE = 20  # rows of each encrypted column, in each tenant
ASKED = 3  # tenants whose members call the API


class Loss(NamedTuple):
    """Entries of a tenant that were seen outside, and that this copy has not; the rows that ended
    outside and live here.
    """

    tenant_id: UUID
    seq: int
    entries: int
    living: int


def schema(expected: dict[str, Any]) -> Iterator[str]:
    """Every migration, guard, constraint and index, validated and switched on."""
    executor = MigrationExecutor(connection)
    for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes()):
        yield f"migration {migration} is missing"
    try:
        call_command("check", databases=["default"], stdout=StringIO(), stderr=StringIO())
    except CommandError as fault:
        yield str(fault).strip().splitlines()[-1]
    with manifest.connected() as session:
        there = manifest.of(session)
    for text in sorted({*expected["objects"]} - {*there["objects"]}):
        yield f"missing: {text}"
    for text in sorted({*there["objects"]} - {*expected["objects"]}):
        yield f"nobody expects: {text}"
    for table, (rows, content) in expected["rows"].items():
        found, stands = there["rows"].get(table, [0, ""])
        if [found, stands] != [rows, content]:
            changed = ", of which some are not what they were" if found == rows else ""
            yield f"{table} holds {found} rows, and held {rows}{changed}"


def books(_: dict[str, Any]) -> Iterator[str]:
    """Numbers, balances and totals of every tenant."""
    for tenant_id in each_tenant_across_tenants():
        yield from (f"{tenant_id}: {fault}" for fault in ledgers.faults())


def trails(_: dict[str, Any]) -> Iterator[str]:
    """Every chain, but for entries that are younger than the backup: those are losses."""
    for tenant_id in each_tenant_across_tenants():
        fault = chain.first_fault()
        if fault is not None and not fault.lost:
            yield f"{tenant_id}: entry {fault.seq}: {fault.reason}"


def losses() -> list[Loss]:
    """What was seen outside and is not here."""
    found = []
    for tenant_id in each_tenant_across_tenants():
        fault = chain.first_fault()
        living = len(powers.living(ended_outside()))
        if (fault and fault.lost) or living:
            seq = fault.seq - 1 if fault else 0
            found.append(Loss(tenant_id, seq, fault.lost if fault else 0, living))
    return found


def ended_outside() -> frozenset[tuple[str, str]]:
    """The rows of the bound tenant whose power ended, as witnesses saw it."""
    return frozenset().union(*(witness.testify().ended for witness in chain.WITNESSES))


def secrets(_: dict[str, Any]) -> Iterator[str]:
    """Every data key, a sample of every encrypted column of every tenant, and what waits sealed."""
    for tenant_id in each_tenant_across_tenants():
        if not DataKey.objects.exists():
            yield f"{tenant_id} has no data key"
        for model, field in encrypted():
            for row in model._default_manager.exclude(**{field: None}).order_by("?")[:SAMPLE]:
                try:
                    getattr(row, field)
                except Unreadable as fault:
                    yield f"{tenant_id}: {model._meta.db_table}.{field} of {row.pk}: {fault}"
    with outbox_across_tenants():
        waiting = list(OutboxEntry.objects.filter(state=OutboxEntry.WAITING)[:SAMPLE])
    for entry in waiting:
        try:
            call_of(entry)
        except Unreadable as fault:
            yield f"task {entry.pk}: {fault}"


def encrypted() -> Iterator[tuple[type[Model], str]]:
    """Every column of a tenant that is kept sealed."""
    for model in apps.get_models():
        if issubclass(model, TenantModel):
            for field in model._meta.local_fields:
                if isinstance(field, EncryptedText):
                    yield model, field.attname


def access(_: dict[str, Any]) -> Iterator[str]:
    """Members and strangers, at the copy's own doors."""
    asked = [id for id in tenant_ids_across_tenants() if asks_for_nothing(id)][:ASKED]
    if not asked:
        yield "there is no organization whose members could be asked without a proof of more"
    with probes.unheard():
        yield from list(probes.faults(asked))


def asks_for_nothing(tenant_id: UUID) -> bool:
    """Whether a plain key may call here: a policy can ask for a signature, or for a network."""
    with bind(tenant_id):
        policy = SecurityPolicy.objects.first()
        return policy is None or not any(policy.switches.values())


CHECKS: dict[str, Callable[[dict[str, Any]], Iterator[str]]] = {
    "schema and rows": schema,
    "books": books,
    "trails": trails,
    "secrets": secrets,
    "access": access,
}


def faults(check: str, expected: dict[str, Any]) -> list[str]:
    """What one check found; that it could not be made is a fault too."""
    try:
        return list(CHECKS[check](expected))
    except (
        DatabaseError,
        psycopg.Error,
        LookupError,
        TypeError,
        ValueError,
        RuntimeError,
    ) as fault:
        return [f"could not be checked: {type(fault).__name__}: {str(fault).splitlines()[0]}"]


def mend(loss: Loss) -> None:
    """Take down what is lost, outside and in the trail, and end again what had been ended."""
    with bind(loss.tenant_id), trail.recording():
        ended = ended_outside()
        if loss.entries:
            head = AuditHead.objects.get()
            for witness in chain.WITNESSES:
                witness.accept_loss(head.seq, head.hash)
        trail.record(None, "trail.restored", lost=loss.entries)
        for kind, row in powers.living(ended):
            powers.POWERS[kind].end(row)


def let_rest() -> int:
    """What waited to go out when the backup was made may have gone out since: it goes to the dead,
    where somebody can look at it, and nobody hears twice. Tell how many.
    """
    with outbox_across_tenants():
        waiting = OutboxEntry.objects.filter(state=OutboxEntry.WAITING)
        names = set(waiting.values_list("name", flat=True))
        outside = [name for name in names if import_string(name).queue_name == OUTSIDE]
        return waiting.filter(name__in=outside).update(
            state=OutboxEntry.DEAD, ended_at=timezone.now(), fault="Restored"
        )
