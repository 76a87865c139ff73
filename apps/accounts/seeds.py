"""The seeds of authenticators, which stand locked in allauth's table, each for one person alone."""

from base64 import b64decode, b64encode
from collections import Counter
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db import transaction

from saas import custody


def sealed(user_id: UUID, seed: str) -> str:
    """What is stored. It names whose it is: who can write to the table would else put their own
    seed into the row of another, and have the code that is asked for.
    """
    return b64encode(custody.lock(seed.encode(), _place(user_id))).decode()


def opened(row: Authenticator) -> str:
    """The seed. Raises Unreadable for one that was another person's."""
    return custody.unlock(b64decode(row.data["secret"]), _place(row.user_id)).decode()


def uses() -> Counter[str]:
    """How many seeds are under each key-encryption key."""
    rows = _rows().values_list("data", flat=True)
    return Counter(custody.key_of(b64decode(data["secret"])) for data in rows.iterator())


def relock() -> int:
    """Put every seed under the current key-encryption key."""
    current, done = custody.ask(lambda keeper: keeper.current()), 0
    for pk in _rows().values_list("pk", flat=True):
        with transaction.atomic():
            row = _rows().select_for_update().filter(pk=pk).first()
            held = b64decode(row.data["secret"]) if row else b""
            if row and custody.key_of(held) != current:
                row.data["secret"] = b64encode(custody.relock(held)).decode()
                row.save(update_fields=["data"])
                done += 1
    return done


def _place(user_id: UUID) -> bytes:
    return f"second-factor:{user_id}".encode()


def _rows() -> Any:
    return Authenticator.objects.filter(type=Authenticator.Type.TOTP)
