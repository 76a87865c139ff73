"""Each process counts into files of its own, and whoever comes after it goes on in them.

The client library names the files by process id. Ids change with every restart, so the files of
the dead would pile up; who sweeps them away takes counts back, which looks like a restart of
everything at once. A slot is a number that one living process holds by a lock, which the system
lets go of when the process ends, however it ends. The next process takes the slot and its counts.
"""

import fcntl
import os
from itertools import count
from pathlib import Path


class Slot:
    """The lowest number that no other process holds; a fork takes its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pid = 0
        self._number = 0
        self._lock = -1

    def __call__(self) -> int:
        """The number of the process that asks."""
        if self._pid != os.getpid():
            self._take()
        return self._number

    def _take(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)  # the parent's, which goes on holding it
        for number in count():
            file = os.open(self._folder / f"{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
            else:
                self._pid, self._number, self._lock = os.getpid(), number, file
                return
