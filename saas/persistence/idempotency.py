"""A request that is sent twice has one effect: its record commits with the effect, or neither
does.
"""

import hashlib
import re
from typing import Any

from django.db import OperationalError
from django.utils import timezone

from saas.context import Actor
from saas.errors import Problem, invalid
from saas.persistence.models import IdempotencyRecord, idempotency_expiry

# A structured-field string (RFC 8941 §3.3.3), or the bare token that many clients send.
BARE = r"[\x21\x23-\x5b\x5d-\x7e]{16,255}"
KEY = re.compile(f'"?({BARE})"?')
PATTERN = f'^({BARE}|"{BARE}")$'  # for the documents


def read_key(header: str | None) -> str:
    """The key of the header `Idempotency-Key`: 16 to 255 printable characters. Raises 400."""
    if header is None:
        raise invalid(
            "required", "This operation needs an Idempotency-Key.", parameter="Idempotency-Key"
        )
    match = KEY.fullmatch(header.strip())
    if match is None or header.startswith('"') != header.endswith('"'):
        raise invalid(
            "invalid",
            "An Idempotency-Key has 16 to 255 printable characters.",
            parameter="Idempotency-Key",
        )
    return match[1]


def fingerprint(method: str, path: str, body: bytes) -> str:
    """What makes two requests equal: method, path and the bytes of the body."""
    return hashlib.sha256(b"\n".join([method.encode(), path.encode(), body])).hexdigest()


class Reservation:
    """The right to do an operation under a key, or the record that it was done."""

    def __init__(self, record: IdempotencyRecord, *, is_new: bool) -> None:
        self.record = record
        self.is_new = is_new

    def keep(self, status: int, row: Any) -> None:
        """Remember a success with its row; nothing else is kept, so a failure can be tried
        again.
        """
        self.record.status, self.record.row_id = status, row.pk
        self.record.save(update_fields=["status", "row_id"])


def reserve(actor: Actor, operation: str, key: str, fingerprinted: str) -> Reservation:
    """Claim `key` for this principal and operation, waiting for an equal request that is under way.

    Raises 422 when the key was used for another request, 409 when the other does not end in
    time. The unique constraint decides between two at once: the second insert waits for the
    first transaction.
    """
    record = IdempotencyRecord(
        principal_id=actor.principal.id, operation=operation, key=key, fingerprint=fingerprinted
    )
    try:
        inserted = _insert(record)
    except OperationalError as fault:
        raise Problem(
            "idempotency-conflict",
            "An equal request is still under way.",
            headers={"Retry-After": "2"},
        ) from fault
    if inserted:
        return Reservation(record, is_new=True)
    # Locked: two that find the same expired record must not both begin anew.
    found = IdempotencyRecord.objects.select_for_update().get(
        principal_id=record.principal_id, operation=operation, key=key
    )
    if found.expires_at <= timezone.now():
        found.fingerprint, found.status, found.row_id = fingerprinted, None, None
        found.expires_at = idempotency_expiry()
        found.save()
        return Reservation(found, is_new=True)
    if found.fingerprint != fingerprinted:
        raise Problem(
            "idempotency-mismatch", "This key was used for a request with another body or path."
        )
    return Reservation(found, is_new=False)


def _insert(record: IdempotencyRecord) -> bool:
    """Whether this insert made the row: ON CONFLICT DO NOTHING, so that a loser's transaction lives
    on.
    """
    IdempotencyRecord.objects.bulk_create([record], ignore_conflicts=True)
    return IdempotencyRecord.objects.filter(pk=record.pk).exists()
