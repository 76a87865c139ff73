"""A request that is sent twice has one effect: its record commits with the effect, or neither
does.
"""

import hashlib
import re
from typing import Any, NamedTuple
from uuid import UUID

from django.db import OperationalError, connection
from django.utils import timezone

from saas.context import Actor
from saas.errors import Problem, invalid
from saas.ids import uuid7
from saas.persistence.models import IdempotencyRecord, idempotency_expiry
from saas.persistence.statements import Statement, columns
from saas.tenancy.binding import bound_tenant

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


class Reservation(NamedTuple):
    """The right to do an operation under a key, or what was done under it."""

    id: UUID
    is_new: bool
    status: int | None = None
    row_id: UUID | None = None

    def kept(self, status: int, row: Any) -> Statement:
        """What remembers a success with its row; nothing else is kept, so a failure can be tried
        again.
        """
        values = {"status": status, "row_id": row.pk, "tenant": bound_tenant(), "id": self.id}
        return Statement(KEEP, columns(IdempotencyRecord, values))


# Two at once meet at the unique constraint: the second waits for the first transaction, and then
# finds its row and locks it.
RESERVE = """
    INSERT INTO persistence_idempotencyrecord
        (id, tenant_id, principal_id, operation, key, fingerprint, expires_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (tenant_id, principal_id, operation, key) DO UPDATE SET key = excluded.key
    RETURNING id, fingerprint, status, row_id, expires_at <= %s
"""
KEEP = """
    UPDATE persistence_idempotencyrecord SET status = %s, row_id = %s
    WHERE tenant_id = %s AND id = %s
"""


def reserve(actor: Actor, operation: str, key: str, fingerprinted: str) -> Reservation:
    """Claim `key` for this principal and operation, waiting for an equal request that is under way.

    Raises 422 when the key was used for another request, 409 when the other does not end in
    time.
    """
    asked = {
        "id": uuid7(),
        "tenant": bound_tenant(),
        "principal_id": actor.principal.id,
        "operation": operation,
        "key": key,
        "fingerprint": fingerprinted,
        "expires_at": idempotency_expiry(),
    }
    [now] = columns(IdempotencyRecord, {"expires_at": timezone.now()})
    try:
        with connection.cursor() as cursor:
            cursor.execute(RESERVE, [*columns(IdempotencyRecord, asked), now])
            found, known, status, row_id, is_over = cursor.fetchone()
    except OperationalError as fault:
        raise Problem(
            "idempotency-conflict",
            "An equal request is still under way.",
            headers={"Retry-After": "2"},
        ) from fault
    id = UUID(str(found))  # SQLite keeps it as text
    if id == asked["id"]:
        return Reservation(id, is_new=True)
    if is_over:  # its row is locked: two that find it do not both begin anew
        mine = {"fingerprint": fingerprinted, "expires_at": asked["expires_at"]}
        IdempotencyRecord.objects.filter(pk=id).update(**mine, status=None, row_id=None)
        return Reservation(id, is_new=True)
    if known != fingerprinted:
        raise Problem(
            "idempotency-mismatch", "This key was used for a request with another body or path."
        )
    return Reservation(id, is_new=False, status=status, row_id=row_id)
