"""Lines to a collector over TCP (RFC 5424, one on a line), by a thread of their own: no request
waits for the collector, and what it does not take waits in memory, then on disk.

TCP does not tell what the other side has read. So what was sent in the last seconds before a
connection broke is sent again, and `sequenceId` tells a second copy from a second line.
"""

import atexit
import json
import logging
import os
import socket
import ssl
import threading
import time
from collections import deque
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from saas.edge.sink.spool import Spool

QUEUE = 20_000  # lines in memory
BATCH = 500
TIMEOUT = 2.0  # seconds, for the collector to take a connection or a batch
DOUBTFUL = 10.0  # seconds during which a line may have been sent and not been read
PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)  # seconds between two tries to connect
REST = 1.0
LAST_WORD = 3.0  # seconds, when the process ends
FACILITY = 16 * 8  # local0
SEVERITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.NOTSET, 6))


class Address(NamedTuple):
    """Where the collector listens."""

    host: str
    port: int
    is_tls: bool


def parsed(text: str) -> Address:
    """`tcp://host:port`, or `tls://host:port`, where its certificate must be one for `host`."""
    url = urlsplit(text)
    try:
        port = url.port
    except ValueError:
        port = None
    if url.scheme not in ("tcp", "tls") or not url.hostname or not port or url.path.strip("/"):
        raise ImproperlyConfigured("SAAS_LOG_SINK must be tcp://host:port or tls://host:port.")
    return Address(url.hostname, port, url.scheme == "tls")


class SinkHandler(logging.Handler):
    """Ships what loggers say, in order; what could not be kept is counted, and the number told."""

    def __init__(self, address: Address, spool: Spool) -> None:
        super().__init__()
        self.address = address
        self.spool = spool
        self.pid = 0
        self.dropped = 0
        self.connection: socket.socket | None = None
        self.tries = 0
        self.next_try = 0.0
        self.waiting: deque[bytes] = deque()
        self.doubtful: deque[tuple[float, bytes]] = deque(maxlen=QUEUE)

    # On the side of whoever logs.

    def emit(self, record: logging.LogRecord) -> None:
        """Put a line into the queue. Nothing here waits for disk or network."""
        try:
            if self.pid != os.getpid():  # a server may have forked us
                self.begin()
            message = self.format(record)
            with self.gate:
                self.enqueue(self.framed(record.name, record.levelno, message))
        except Exception:  # a log must not break what it tells of
            self.handleError(record)

    def begin(self) -> None:
        """A process has a thread, a numbering and a spool of its own, whatever its parent's are."""
        self.pid, self.number, self.connection = os.getpid(), 0, None
        self.stopping = False
        self.process = f"{self.pid}-{time.time_ns():x}"
        self.host = socket.gethostname() or "-"
        self.waiting.clear()
        self.doubtful.clear()
        self.gate, self.wake = threading.Lock(), threading.Event()
        self.spool = Spool(self.spool.folder, self.spool.most)
        self.thread = threading.Thread(target=self.serve, name="log sink", daemon=True)
        self.thread.start()
        atexit.register(self.close)  # a fork forgets what its parent left for the end

    def framed(self, name: str, level: int, message: str) -> bytes:
        """A line of RFC 5424; no message of ours holds a line break."""
        self.number += 1
        severity = next(severity for least, severity in SEVERITIES if level >= least)
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        head = f"<{FACILITY + severity}>1 {now} {self.host} strongroom {self.process} {name[:32]}"
        return f'{head} [meta sequenceId="{self.number}"] {message}\n'.encode()

    def enqueue(self, line: bytes) -> None:
        """The oldest goes when memory is full, which is when the disk is too."""
        if len(self.waiting) >= QUEUE:
            self.waiting.popleft()
            self.dropped += 1
        self.waiting.append(line)
        self.wake.set()

    def close(self) -> None:
        """At the end of the process: send or keep what is left."""
        if self.pid == os.getpid() and not self.stopping:
            self.stopping = True
            self.wake.set()
            self.thread.join(LAST_WORD)
        super().close()

    # On the side of the thread.

    def serve(self) -> None:
        """Ship, for as long as the process lives."""
        try:
            self.spool.claim()
        except OSError:
            self.tries = 0  # there is no disk; the collector may still be there
        while not self.stopping:
            self.wake.wait(REST)
            self.wake.clear()
            self.ship()
        self.next_try = 0.0
        self.ship()
        if self.connection is not None:
            self.connection.close()

    def ship(self) -> None:
        """Send everything, oldest first; without a collector put it aside."""
        try:
            if self.is_connected():
                for lines in self.spool:
                    self.send(lines)
                while lines := self.taken():
                    self.send(lines)
                self.tell_dropped()
                return
        except OSError:
            self.disconnect()
        self.put_aside()

    def is_connected(self) -> bool:
        """Whether there is a connection, or one can be made now. Raises OSError."""
        if self.connection is not None:
            return True
        if time.monotonic() < self.next_try:
            return False
        self.next_try = time.monotonic() + PAUSES[min(self.tries, len(PAUSES) - 1)]
        self.tries += 1
        host, port, is_tls = self.address
        connection = socket.create_connection((host, port), timeout=TIMEOUT)
        if is_tls:
            connection = ssl.create_default_context().wrap_socket(connection, server_hostname=host)
        self.connection = connection
        again = [line for _, line in self.doubtful]
        self.doubtful.clear()
        self.send(again)
        self.tries = 0
        return True

    def send(self, lines: list[bytes]) -> None:
        """Hand lines over. Raises OSError, and then they are doubtful."""
        assert self.connection is not None  # noqa: S101  # is_connected() has seen to it
        now = time.monotonic()
        try:
            self.connection.setblocking(False)
            if not self.connection.recv(1024):  # before anything is taken for sent
                raise ConnectionResetError("The collector has hung up.")
        except (BlockingIOError, ssl.SSLWantReadError):
            while self.doubtful and self.doubtful[0][0] < now - DOUBTFUL:
                self.doubtful.popleft()
        finally:
            self.doubtful.extend((now, line) for line in lines)
        self.connection.settimeout(TIMEOUT)
        for start in range(0, len(lines), BATCH):
            self.connection.sendall(b"".join(islice(lines, start, start + BATCH)))

    def disconnect(self) -> None:
        """Forget the connection; what it may have lost is the first to be sent again."""
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()
        if self.doubtful:
            try:
                self.spool.put_first([line for _, line in self.doubtful])
            except OSError:
                return  # they stay in memory
            self.doubtful.clear()

    def taken(self) -> list[bytes]:
        """Some lines out of the queue."""
        with self.gate:
            return [self.waiting.popleft() for _ in range(min(BATCH, len(self.waiting)))]

    def put_aside(self) -> None:
        """The queue goes to disk; without one it stays where it is."""
        while lines := self.taken():
            try:
                self.dropped += self.spool.put(lines)
            except OSError:
                with self.gate:
                    room = max(0, QUEUE - len(self.waiting))
                    self.dropped += max(0, len(lines) - room)
                    self.waiting.extendleft(reversed(lines[-room:] if room else []))
                return

    def tell_dropped(self) -> None:
        """Never silently."""
        if self.dropped:
            with self.gate:
                count, self.dropped = self.dropped, 0
                message = json.dumps({"event": "log.dropped", "count": count})
                line = self.framed("saas.sink", logging.WARNING, message)
            self.send([line])


class Lines(logging.Formatter):
    """What is one line of JSON already goes as it is; everything else through another formatter."""

    def __init__(self, ready: frozenset[str], other: logging.Formatter) -> None:
        super().__init__()
        self.ready = ready
        self.other = other

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return record.getMessage() if record.name in self.ready else self.other.format(record)
