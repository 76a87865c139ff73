"""Each entry carries the hash of the one before, so whatever is changed, cut or put between
shows.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import chain as one_after_the_other
from itertools import repeat
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from django.db import connection
from django.db.models import Func, Subquery, TextField
from django.db.models.functions import Cast

from saas.audit.models import GENESIS, AuditEntry, AuditHead
from saas.persistence.statements import Statement, columns, in_one_trip, insert
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


APPENDED: list[Callable[[int], None]] = []  # who hears the number of each entry, in its transaction


def start_chain() -> None:
    """Give the bound tenant its chain; called once, when the tenant is made."""
    AuditHead().save()


def append(entry: AuditEntry, beside: Statement | None = None) -> None:
    """Hang `entry` on the bound tenant's chain, and do what is `beside` it, in the same trip where
    the database can. Nothing of the transaction should follow.
    """
    tenant_id = bound_tenant()
    kept = {"tenant": tenant_id} | {name: getattr(entry, name) for name in COVERED}
    values = [canonical(tenant_id, entry), *columns(AuditEntry, kept)]
    in_one = connection.vendor == "postgresql"
    last = Statement(APPEND, values) if in_one else Statement(ADVANCE, values[:2])
    with connection.cursor() as cursor:
        if beside and in_one:
            last = in_one_trip(last, beside)
        elif beside:
            cursor.execute(*beside)
        cursor.execute(*last)
        entry.seq, entry.hash = cursor.fetchone()
    if not in_one:
        insert([entry])
    for hears in APPENDED:
        hears(entry.seq)


def canonical(tenant_id: UUID, entry: AuditEntry) -> str:
    """Every column of an entry as one text: JSON with sorted keys, no white space, UTC to the
    microsecond.
    """
    fields = {name: getattr(entry, name) for name in COVERED} | {"tenant": tenant_id}
    return _encode(fields)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value)


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=_plain).encode


def link(previous: str, seq: int, text: str) -> str:
    """The hash of entry `seq`: SHA-256 of the hash before it, its number and its canonical text."""
    return hashlib.sha256(f"{previous}:{seq}:{text}".encode()).hexdigest()


class Fault(NamedTuple):
    """The first entry of a chain that cannot be believed, and why."""

    seq: int
    reason: str
    lost: int = 0  # entries that a witness saw behind a chain that is whole as far as it goes


class Testimony(NamedTuple):
    """How the hashes of entry 1, 2, … began when somebody outside the database saw them, and where
    their own record stops to be believed. `ended` are the kinds and ids of rows whose power ended.
    """

    hashes: list[str]
    fault: Fault | None = None
    ended: frozenset[tuple[str, str]] = frozenset()


class Witness(Protocol):
    """Somebody outside the database who has seen the bound tenant's chain."""

    def testify(self) -> Testimony:
        """What they have seen."""

    def accept_loss(self, seq: int, hash: str) -> None:
        """Take down that a restore has gone back to entry `seq`; the chain goes on there."""


# A chain in one database alone can be written anew by whoever owns it, or be cut.
WITNESSES: list[Witness] = []


class Kept(NamedTuple):
    """One entry as it stands, and the head as the same statement saw it."""

    seq: int
    hash: str
    text: str
    head_seq: int | None
    head_hash: str | None


def first_fault() -> Fault | None:
    """Walk the bound tenant's chain from its first entry to its head, beside all witnesses.

    They are heard first: what is written meanwhile they need not have seen.
    """
    heard = [witness.testify() for witness in WITNESSES]
    seen = [one_after_the_other(one.hashes, repeat("")) for one in heard]
    stops = min((one.fault for one in heard if one.fault), default=None)
    previous, expected, head = GENESIS, 1, None
    for entry in entries():
        if fault := fault_of(entry, expected, previous):
            return fault
        if any(not entry.hash.startswith(next(hashes)) for hashes in seen):
            return Fault(entry.seq, "another entry stood here when it was seen")
        if stops and stops.seq <= entry.seq:
            return stops
        previous, expected, head = entry.hash, expected + 1, entry[3:]
    head = head or AuditHead.objects.values_list("seq", "hash").first()
    if head is None or head[0] is None:
        return Fault(expected, "the head of the chain is gone")
    if head != (expected - 1, previous):
        return Fault(expected, f"the head says {head[0]} entries, the chain holds {expected - 1}")
    lost = max((len(one.hashes) for one in heard), default=0) - (expected - 1)
    if lost > 0:
        return Fault(expected, f"missing: {lost} more entries were seen", lost)
    return stops


def fault_of(entry: Kept, expected: int, previous: str) -> Fault | None:
    """Whether it is the one that follows the entry with the hash `previous`."""
    if entry.seq != expected:
        return Fault(expected, f"missing: the next entry is number {entry.seq}")
    if link(previous, entry.seq, entry.text) != entry.hash:
        return Fault(entry.seq, "its content does not match its hash")
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
    until, expected = min(first + size, head.seq), first + 1
    hashes = dict(AuditEntry.objects.filter(seq__in=[first, head.seq]).values_list("seq", "hash"))
    if first and first not in hashes:
        return Fault(first, "missing")
    previous = hashes.get(first, GENESIS)
    for entry in entries(first, until):
        if fault := fault_of(entry, expected, previous):
            return fault
        previous, expected = entry.hash, expected + 1
    if expected <= until:
        return Fault(expected, "missing: the last ones were cut off")
    if head.seq and head.seq not in hashes:
        return Fault(head.seq, "missing: the head names it")
    if hashes.get(head.seq, GENESIS) != head.hash:
        return Fault(head.seq, "its hash is not that of the head")
    return None


def entries(after: int = 0, until: int | None = None) -> Iterator[Kept]:
    """The bound tenant's entries behind number `after`, in order, by one statement."""
    head = AuditHead.objects.all()[:1]
    rows = AuditEntry.objects.filter(seq__gt=after).order_by("seq")
    if until is not None:
        rows = rows.filter(seq__lte=until)
    rows = rows.annotate(
        head_seq=Subquery(head.values("seq")), head_hash=Subquery(head.values("hash"))
    )
    if connection.vendor == "postgresql":
        found = rows.values_list("seq", "hash", *TEXTS, "head_seq", "head_hash")
        for seq, hash, *texts, head_seq, head_hash in found.iterator(chunk_size=2000):
            yield Kept(seq, hash, _of_texts(bound_tenant(), *texts), head_seq, head_hash)
    else:
        for entry in rows.iterator(chunk_size=2000):
            text = canonical(bound_tenant(), entry)
            yield Kept(entry.seq, entry.hash, text, entry.head_seq, entry.head_hash)


class _Instant(Func):
    """A moment as `canonical` writes it."""

    template = """to_char(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US+00:00')"""
    output_field = TextField()


# The columns in the order of their names, so that many entries a second can be verified: what the
# database writes as text is neither parsed nor written again.
TEXTS = [_Instant(name) if name == "at" else Cast(name, TextField()) for name in sorted(COVERED)]
_quoted = json.encoder.encode_basestring_ascii


def _of_texts(
    tenant_id: UUID,
    at: str,
    data: str,
    event: str,
    id: str,
    object_id: str | None,
    object_type: str,
    principal_id: str | None,
    principal_kind: str,
    request_id: str | None,
    user_id: str | None,
) -> str:
    """What `canonical` makes of the same columns."""
    data = data if data == "{}" else _encode(json.loads(data))
    return (
        f'{{"at":"{at}","data":{data},"event":{_quoted(event)},"id":"{id}",'
        f'"object_id":{_id(object_id)},"object_type":{_quoted(object_type)},'
        f'"principal_id":{_id(principal_id)},"principal_kind":{_quoted(principal_kind)},'
        f'"request_id":{_id(request_id)},"tenant":"{tenant_id}","user_id":{_id(user_id)}}}'
    )


def _id(text: str | None) -> str:
    return "null" if text is None else f'"{text}"'
