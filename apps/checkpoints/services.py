"""A checkpoint is written when something happened, and only about a chain that is whole."""

import logging
from collections.abc import Sequence
from itertools import batched

from django.conf import settings
from django.db.models import Max, QuerySet

from apps.checkpoints import lines, queries
from apps.checkpoints.lines import SHOWN
from apps.checkpoints.models import Checkpoint
from apps.checkpoints.sinks import sink
from apps.integrations.access import GrantEvent, KeyEvent
from apps.organizations.access import OrganizationEvent
from saas.alerts import alert
from saas.audit import chain
from saas.audit.chain import Fault, Kept
from saas.audit.models import AuditEntry
from saas.tenancy.binding import bound_tenant

log = logging.getLogger("apps.checkpoints")

BROKEN = "audit.broken"
# The entries that took power away. After a restore they are known from outside the database.
ENDINGS = (
    KeyEvent.REVOKED,
    KeyEvent.EXPOSED,
    GrantEvent.REVOKED,
    GrantEvent.REPLAYED,
    GrantEvent.EXPOSED,
    OrganizationEvent.MEMBER_REMOVED,
)


def write() -> int:
    """Write what is owed about the bound tenant's chain; tell how many lines it was."""
    if (where := sink()) is None:
        return 0
    added = where.add(bound_tenant(), following)
    mirror(added)
    return len(added)


def following(last: str | None) -> list[str]:
    """The lines after `last`: one for each thousand entries, and one for the rest. A chain that
    does not go on from what was signed is not signed; it is an alert.
    """
    start = lines.start_after(last)
    if isinstance(start, Fault):
        return tell(start)
    number, seq, hash, previous = start
    fresh: list[Kept] = []
    for entry in chain.entries(after=seq):
        if entry.seq != seq + 1 or chain.link(hash, entry.seq, entry.text) != entry.hash:
            return tell(Fault(seq + 1, "it does not follow the one before"))
        seq, hash = entry.seq, entry.hash
        fresh.append(entry)
    ended, found = endings(fresh[0].seq - 1) if fresh else {}, list[str]()
    for some in batched(fresh, settings.SAAS_CHECKPOINT_ENTRIES):
        found.append(lines.seen(number + len(found) + 1, some, previous, ended))
        previous = lines.digest_of(found[-1])
    return found


def tell(fault: Fault) -> list[str]:
    """Sign nothing; the tenant and we hear of it."""
    log.error("no checkpoint for %s at entry %d: %s", bound_tenant(), fault.seq, fault.reason)
    message = f"Entry {fault.seq} of your audit trail cannot be believed: {fault.reason}."
    alert(bound_tenant(), BROKEN, message)
    return []


def endings(after: int) -> dict[int, tuple[str, str]]:
    """By number, the kind and id of each row whose power ended behind entry `after`."""
    rows: QuerySet[AuditEntry] = AuditEntry.objects.filter(seq__gt=after, event__in=ENDINGS)
    found = rows.values_list("seq", "object_type", "object_id")
    return {seq: (kind, str(id)) for seq, kind, id in found}


def mirror(added: Sequence[str]) -> None:
    """Show what was added; and what a worker left out that died between the file and the commit."""
    where = sink()
    if where is None or not added:
        return
    last = queries.checkpoints().aggregate(last=Max("number"))["last"] or 0
    if lines.parsed(added[0])["number"] != last + 1:
        added = where.lines(bound_tenant())
    rows = [
        Checkpoint(**{name: line[name] for name in SHOWN})
        for line in map(lines.parsed, added)
        if line["number"] > last
    ]
    # Another worker may be about to commit the same row: its file says the same.
    Checkpoint.objects.bulk_create(rows, ignore_conflicts=True)


def accept_loss(seq: int, hash: str) -> None:
    """Say outside that a restore took the bound tenant's chain back to entry `seq`."""
    if where := sink():
        mirror(where.add(bound_tenant(), lambda last: [lines.restored(seq, hash, last)]))
