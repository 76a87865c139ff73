"""The seeds of authenticators, which stand locked in allauth's table, move to another key."""

from base64 import b64decode, b64encode
from collections import Counter
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction

from saas import custody


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


def _rows() -> Any:
    return Authenticator.objects.filter(type=Authenticator.Type.TOTP)
