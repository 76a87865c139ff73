"""Identifiers are UUIDs of version 7: they sort by time, so indexes stay local, and nobody can
guess them.
"""

import secrets
import time
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import cast

import orjson
from django.db import models


def uuid7() -> uuid.UUID:
    """A new UUID of version 7: 48 bits of Unix milliseconds and 74 random bits (RFC 9562 §5.7)."""
    milliseconds = time.time_ns() // 1_000_000
    random = secrets.randbits(74)
    number = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76
    number |= (random >> 62) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    return uuid.UUID(int=number)


def as_texts(ids: Iterable[uuid.UUID]) -> list[str]:
    """Each as `str()` writes it; all at once, which a page of fifty notices."""
    return cast(list[str], orjson.loads(orjson.dumps(list(ids))))


def made_at(id: uuid.UUID) -> datetime:
    """When an id of ours was made: its first 48 bits."""
    return datetime.fromtimestamp((id.int >> 80) / 1000, UTC)


class IdField(models.UUIDField):  # type: ignore[type-arg]  # the stubs make it generic, Django does not
    """A primary key that the application chooses before the row exists, so that it can be sealed
    into it.
    """

    def __init__(self, **options: object) -> None:
        """Take no options: every table's key is the same."""
        super().__init__(primary_key=True, default=uuid7, editable=False)

    def deconstruct(self) -> tuple[str, str, list[object], dict[str, object]]:
        """Tell migrations nothing but the class."""
        name, path, _, _ = super().deconstruct()
        return name, path, [], {}
