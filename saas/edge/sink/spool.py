"""Lines that wait on disk, in order and bounded. Each process has a folder of its own, and one
whose owner is gone belongs to whoever locks it first.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

SEGMENT = 1024 * 1024  # bytes; what is dropped is dropped by the segment, oldest first


class Spool:
    """Segments of lines in `folder`, together at most `most` bytes for this process."""

    def __init__(self, folder: Path, most: int) -> None:
        self.folder = folder
        self.most = most
        self.own: Path | None = None
        self.lock: int | None = None
        self.segments: list[tuple[Path, int]] = []  # with their bytes, oldest first
        self.first_made = self.last_made = 5 * 10**9  # names of one length sort

    def claim(self) -> None:
        """Take over what processes that are gone have left. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for folder in sorted(path for path in self.folder.iterdir() if path != self.own):
            lock = locked(folder)
            if lock is None:
                continue
            for path in sorted(folder.glob("*.lines")):
                kept = self._new()
                path.replace(kept)
                self.segments.append((kept, kept.stat().st_size))
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)

    def put(self, lines: list[bytes]) -> int:
        """Add lines; tells how many old ones had to go for them. Raises OSError, and then what
        came before stays as it was.
        """
        data = b"".join(lines)
        if not self.segments or self.segments[-1][1] >= SEGMENT:
            path = self._new()
            path.touch()
            self.segments.append((path, 0))
        path, before = self.segments[-1]
        try:
            with path.open("ab") as file:
                file.write(data)
        except OSError:
            os.truncate(path, before)  # half a line would be a lie
            raise
        self.segments[-1] = (path, before + len(data))
        return self._shrink()

    def put_first(self, lines: list[bytes]) -> None:
        """Add lines that are older than all that wait. Raises OSError."""
        data = b"".join(lines)
        path = self._new().with_name(f"{self.first_made}.lines")
        path.write_bytes(data)
        self.first_made -= 1
        self.segments.insert(0, (path, len(data)))

    def first(self) -> list[bytes]:
        """The lines of the oldest segment; none when nothing waits. Raises OSError."""
        return self.segments[0][0].read_bytes().splitlines(keepends=True) if self.segments else []

    def forget_first(self) -> None:
        """They have been sent."""
        self.segments.pop(0)[0].unlink(missing_ok=True)

    def _shrink(self) -> int:
        dropped = 0
        while sum(size for _, size in self.segments) > self.most and len(self.segments) > 1:
            dropped += len(self.first())
            self.forget_first()
        return dropped

    def _new(self) -> Path:
        while self.lock is None:  # who claims may come between the two steps
            self.own = self.folder / uuid4().hex
            self.own.mkdir(parents=True, mode=0o700)
            self.lock = locked(self.own)
        assert self.own is not None  # noqa: S101  # as above
        self.last_made += 1
        return self.own / f"{self.last_made}.lines"

    def __iter__(self) -> Iterator[list[bytes]]:
        """The lines that wait, segment by segment."""
        while lines := self.first():
            yield lines
            self.forget_first()


def locked(folder: Path) -> int | None:
    """A lock on a folder, for as long as its descriptor is open; None when a living process has
    it. The system lets go of it however a process ends.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    if folder.exists():
        return descriptor
    os.close(descriptor)
    return None
