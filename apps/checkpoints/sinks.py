"""Where checkpoints go, outside the database: lines that are only ever added.

A sink has two methods. An object store whose objects are locked for years would be another one:
`lines` lists the objects below a tenant's prefix, `add` puts one more.
"""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from uuid import UUID

from django.conf import settings

LONGEST = 1_000_000  # bytes; no line is as long


class Sink(Protocol):
    """Keeps lines of text for each tenant, in order, and forgets none."""

    def lines(self, tenant_id: UUID) -> list[str]:
        """Every whole line, oldest first."""

    def add(self, tenant_id: UUID, following: Callable[[str | None], list[str]]) -> list[str]:
        """Give the last line to `following`, add what it gives back, and give that. Of two who add
        at once, the second is given what the first has added.
        """


class Files:
    """A file for each tenant in one folder. Only the worker needs to write there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def lines(self, tenant_id: UUID) -> list[str]:
        """As Sink."""
        try:
            return whole(self._path(tenant_id).read_bytes())
        except FileNotFoundError:
            return []

    def add(self, tenant_id: UUID, following: Callable[[str | None], list[str]]) -> list[str]:
        """As Sink."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path(tenant_id), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640)
        with open(file, "r+b", buffering=0) as kept:
            fcntl.flock(kept, fcntl.LOCK_EX)  # until it is closed
            kept.seek(max(0, kept.seek(0, os.SEEK_END) - LONGEST))
            end = kept.read(LONGEST)
            if more := following(next(reversed(whole(end)), None)):
                # A writer that died has left half a line, which must not become half of ours.
                ends = "\n" if end and not end.endswith(b"\n") else ""
                kept.write((ends + "".join(f"{line}\n" for line in more)).encode())
                os.fsync(kept.fileno())
        return more

    def _path(self, tenant_id: UUID) -> Path:
        return self.folder / f"{tenant_id}.jsonl"


def whole(text: bytes) -> list[str]:
    """The lines that were written to their end."""
    return [line for line in text.decode(errors="replace").split("\n")[:-1] if line.endswith("}")]


def sink() -> Sink | None:
    """The one of the settings; none where no folder is named."""
    folder = settings.SAAS_CHECKPOINT_DIR
    return Files(Path(folder)) if folder else None
