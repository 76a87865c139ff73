"""Which measures stand, in the memory of each process: one thread looks each second, and no request
ever waits for it but the first.
"""

import logging
import threading
import time
from typing import NamedTuple

from django.conf import settings
from django.db import Error, connection

from apps.containment.models import Kind, Measure
from saas.errors import Problem

log = logging.getLogger("saas.containment")

SECONDS = 1.0  # between two looks; settings.SAAS_CONTAINMENT_SECONDS says otherwise
PATIENCE = 2.0  # seconds that the first requests of a process wait for its first look


class State(NamedTuple):
    """What every request is held against."""

    retry_after: int = 0  # seconds; with maintenance, more than nothing
    is_read_only: bool = False
    operations: frozenset[str] = frozenset()
    frozen: frozenset[str] = frozenset()  # ids of organizations


OPEN = State()


class Lookout:
    """A thread that reads the state, begun by the first request, so that it lives in the process
    that serves and not in its parent.
    """

    def __init__(self, seconds: float, *, is_live: bool = True) -> None:
        self.seconds = seconds
        self.is_live = is_live  # else nobody looks but who calls `look`
        self.state = OPEN
        self._has_looked = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def now(self) -> State:
        """The last state that was read: a second old, or older while the database is away. Raises
        503 where none was read yet: who does not know whether it may serve does not serve.
        """
        if self.is_live and not (self._thread and self._thread.is_alive()):
            self._start()
        if self.is_live and not self._has_looked.wait(PATIENCE):
            raise Problem("not-ready")
        return self.state

    def look(self) -> None:
        """Read it."""
        self.state = read()
        self._has_looked.set()

    def _start(self) -> None:
        with self._lock:
            if not (self._thread and self._thread.is_alive()):
                self._thread = threading.Thread(target=self._watch, daemon=True)
                self._thread.start()

    def _watch(self) -> None:
        while self.is_live:
            try:
                connection.close_if_unusable_or_obsolete()
                self.look()
            except Error as fault:  # what was known stays true
                log.warning("measures cannot be read: %s", type(fault).__name__)
                connection.close()
            time.sleep(self.seconds)
        connection.close()


def read() -> State:
    """By one statement."""
    stand: dict[str, dict[str, dict[str, int]]] = {kind: {} for kind in Kind}
    rows = Measure.objects.filter(lifted_at=None).values_list("kind", "about", "kept")
    for kind, about, kept in rows:
        stand[kind][about] = kept
    return State(
        retry_after=stand[Kind.MAINTENANCE].get("", {}).get("retry_after", 0),
        is_read_only="" in stand[Kind.READ_ONLY],
        operations=frozenset(stand[Kind.DISABLE_OP]),
        frozen=frozenset(stand[Kind.FREEZE]),
    )


lookout = Lookout(
    getattr(settings, "SAAS_CONTAINMENT_SECONDS", SECONDS),
    is_live=getattr(settings, "SAAS_CONTAINMENT_LIVE", True),
)
