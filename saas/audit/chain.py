"""Each entry carries the hash of the one before, so whatever is changed, cut or put between
shows.
"""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from saas.audit.models import GENESIS, AuditEntry, AuditHead
from saas.persistence.statements import columns, insert
from saas.tenancy.binding import bound_tenant

_NAMES = "id at event principal_kind principal_id user_id request_id object_type object_id data"
COVERED = tuple(_NAMES.split())

# The head's row stays locked from here to the commit, so this comes last; in one statement, where
# the database can write to two tables in one.
APPEND = """
    WITH head AS (
        UPDATE audit_audithead SET seq = seq + 1, hash = encode(
            sha256(convert_to(hash || ':' || (seq + 1) || ':' || %s, 'UTF8')), 'hex')
        WHERE tenant_id = %s RETURNING tenant_id, seq, hash
    )
    INSERT INTO audit_auditentry (id, at, event, principal_kind, principal_id, user_id, request_id,
        object_type, object_id, data, tenant_id, seq, hash)
    SELECT %s::uuid, %s::timestamptz, %s, %s, %s::uuid, %s::uuid, %s::uuid, %s, %s::uuid, %s::jsonb,
        tenant_id, seq, hash FROM head
    RETURNING seq, hash
"""
ADVANCE = """
    UPDATE audit_audithead SET seq = seq + 1, hash = SHA256(hash || ':' || (seq + 1) || ':' || %s)
    WHERE tenant_id = %s RETURNING seq, hash
"""


def start_chain() -> None:
    """Give the bound tenant its chain; called once, when the tenant is made."""
    AuditHead().save()


def append(entry: AuditEntry) -> None:
    """Hang `entry` on the bound tenant's chain. Nothing of the transaction should follow."""
    tenant_id = bound_tenant()
    kept = {"tenant": tenant_id} | {name: getattr(entry, name) for name in COVERED}
    values = [canonical(tenant_id, entry), *columns(AuditEntry, kept)]
    in_one = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        cursor.execute(APPEND if in_one else ADVANCE, values if in_one else values[:2])
        entry.seq, entry.hash = cursor.fetchone()
    if not in_one:
        insert([entry])


def canonical(tenant_id: UUID, entry: AuditEntry) -> str:
    """Every column of an entry as one text: JSON with sorted keys, no white space, UTC to the
    microsecond.
    """
    fields = {name: getattr(entry, name) for name in COVERED} | {"tenant": tenant_id}
    return json.dumps(
        fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=_plain
    )


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value)


def link(previous: str, seq: int, text: str) -> str:
    """The hash of entry `seq`: SHA-256 of the hash before it, its number and its canonical text."""
    return hashlib.sha256(f"{previous}:{seq}:{text}".encode()).hexdigest()


class Fault(NamedTuple):
    """The first entry of a chain that cannot be believed, and why."""

    seq: int
    reason: str


def first_fault() -> Fault | None:
    """Walk the bound tenant's chain from its first entry to its head."""
    walked = walk()
    if isinstance(walked, Fault):
        return walked
    previous, expected = walked
    head = AuditHead.objects.first()
    if head is None:
        return Fault(expected, "the head of the chain is gone")
    if (head.seq, head.hash) != (expected - 1, previous):
        return Fault(expected, f"the head says {head.seq} entries, the chain holds {expected - 1}")
    return None


def fault_in_slice(number: int, size: int) -> Fault | None:
    """Walk one slice of the bound tenant's chain, the `number`-th of those of `size` entries, round
    and round; and always that the last entry is the one that the head names. Who does this for each
    number in turn has walked it all, and no single walk was long.
    """
    head = AuditHead.objects.first()
    if head is None:
        return Fault(1, "the head of the chain is gone")
    first = number % max(1, -(-head.seq // size)) * size
    walked = walk(after=first, until=min(first + size, head.seq))
    if isinstance(walked, Fault):
        return walked
    last = AuditEntry.objects.filter(seq=head.seq).values_list("hash", flat=True).first()
    if last is None and head.seq:
        return Fault(head.seq, "missing: the head names it")
    if (last or GENESIS) != head.hash:
        return Fault(head.seq, "its hash is not that of the head")
    return None


def walk(*, after: int = 0, until: int | None = None) -> tuple[str, int] | Fault:
    """Verify the entries behind number `after`; tell the last hash, and the number that is next."""
    expected = after + 1
    before = AuditEntry.objects.filter(seq=after).values_list("hash", flat=True).first()
    if before is None and after:
        return Fault(after, "missing")
    previous = before or GENESIS
    entries = AuditEntry.objects.filter(seq__gt=after)
    if until is not None:
        entries = entries.filter(seq__lte=until)
    for entry in entries.order_by("seq").iterator(chunk_size=2000):
        if entry.seq != expected:
            return Fault(expected, f"missing: the next entry is number {entry.seq}")
        if link(previous, entry.seq, canonical(bound_tenant(), entry)) != entry.hash:
            return Fault(entry.seq, "its content does not match its hash")
        previous, expected = entry.hash, expected + 1
    if until is not None and expected <= until:
        return Fault(expected, "missing: the last ones were cut off")
    return previous, expected
