"""A downloaded list of leaked passwords as a local index: sorted digests, found by halving, so that
no password, and no part of one, is ever sent to anybody who is asked about it.
"""

import os
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import sha1
from mmap import ACCESS_READ, mmap
from pathlib import Path

WIDTH = 8  # bytes of a digest: of a thousand million, one password in 10**10 is refused for nothing
MAGIC = b"SHA1-64\n"  # as long as an entry


def digest(password: str) -> bytes:
    """What stands in the index for a password."""
    return sha1(password.encode(), usedforsecurity=False).digest()[:WIDTH]


class Index:
    """The file, looked at where it lies; a list of a thousand million takes thirty looks."""

    def __init__(self, path: str) -> None:
        with open(path, "rb") as file:
            self.held = mmap(file.fileno(), 0, access=ACCESS_READ)
        if self.held[:WIDTH] != MAGIC or len(self.held) % WIDTH:
            raise ValueError(f"{path} is no index of leaked passwords.")

    def __len__(self) -> int:
        return len(self.held) // WIDTH - 1

    def __getitem__(self, place: int) -> bytes:
        if place >= len(self):
            raise IndexError(place)
        start = (place + 1) * WIDTH
        return self.held[start : start + WIDTH]

    def __contains__(self, password: str) -> bool:
        wanted = digest(password)
        place = bisect_left(self, wanted)
        return place < len(self) and self[place] == wanted


@cache
def index(path: str) -> Index | None:
    """The index at `path`; None for no path. Raises OSError or ValueError for what is none: a
    missing list must not pass for an empty one.
    """
    return Index(path) if path else None


def hashes(lines: Iterable[str], *, seen: int) -> Iterator[bytes]:
    """The entries of a list as Have I Been Pwned gives it, `SHA-1 in hex:how often`, ordered by
    hash; those that were seen at least so often. Raises ValueError for another form or order.
    """
    for line in lines:
        name, _, times = line.strip().partition(":")
        if len(name) != 40:
            raise ValueError(f"No SHA-1 in hex: {line.strip()[:60]!r}")
        if int(times or 1) >= seen:
            yield bytes.fromhex(name)[:WIDTH]


def passwords(lines: Iterable[str]) -> Iterator[bytes]:
    """The entries of a list with one password on each line."""
    yield from sorted({digest(line.rstrip("\r\n")) for line in lines if line.strip()})


def write(entries: Iterable[bytes], path: Path) -> int:
    """Write the index, whole or not at all; gives the number of entries. Raises ValueError when
    they do not ascend, because halving would then miss some.
    """
    draft, before, count = path.with_name(f"{path.name}.new"), b"", 0
    try:
        with open(draft, "wb") as file:
            file.write(MAGIC)
            for entry in entries:
                if entry < before:
                    raise ValueError("The list is not ordered by hash.")
                if entry != before:
                    file.write(entry)
                    before, count = entry, count + 1
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return count
