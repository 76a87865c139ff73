"""The lines of the access log that a review reads, whoever collected them."""

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any, BinaryIO

Line = dict[str, Any]
STDIN = "-"


class Log:
    """Files of lines, read once; what was read is told by its digest. A line may stand behind a
    head, as a collector writes it; what is no line of the access log is counted and passed by.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = list(names)
        self.digests: dict[str, str] = {}
        self.read = self.passed_by = 0

    def between(self, since: datetime, until: datetime) -> Iterator[Line]:
        """The lines of a period. Raises OSError for a file that cannot be read."""
        for name in self.names:
            with ExitStack() as opened:
                file: BinaryIO = (
                    sys.stdin.buffer
                    if name == STDIN
                    else opened.enter_context(Path(name).open("rb"))
                )
                hashed = hashlib.sha256()
                for raw in file:
                    hashed.update(raw)
                    line = as_line(raw)
                    if line is None:
                        self.passed_by += 1
                    elif since <= datetime.fromisoformat(line["ts"]) < until:
                        self.read += 1
                        yield line
                self.digests[name] = hashed.hexdigest()


def as_line(raw: bytes) -> Line | None:
    """A line of the access log, or None."""
    try:
        line = json.loads(raw[raw.index(b'{"ts"') :])
        datetime.fromisoformat(line["ts"])
        ip_address(line["ip"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return line if "decision" in line and "status" in line else None
