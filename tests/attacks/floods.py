"""Many clients of one running server, each with its own ledger, and a Redis that may die."""

import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from redis import Redis
from redis.exceptions import RedisError

from tests.servers.places import give_away, ordinary, redis_places


class Answer(NamedTuple):
    """What one request was answered, and between which two moments it was judged."""

    sent: float
    received: float
    status: int
    headers: dict[str, str]
    document: Any

    @property
    def took(self) -> float:
        """Seconds."""
        return self.received - self.sent

    @property
    def retry_after(self) -> int:
        """Seconds that the server asks to wait."""
        return int(self.headers["retry-after"])


class Caller:
    """One connection that stays open; no two threads share it."""

    def __init__(self, address: str, secret: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
        self._headers = {"X-API-Key": secret}

    def __del__(self) -> None:
        self._connection.close()

    def ask(self, method: str = "GET", path: str = "me", body: Any = None, **more: str) -> Answer:
        """One request under /api/v1/, or at an absolute path; a body that is text is a form."""
        headers = self._headers | {name.replace("_", "-"): value for name, value in more.items()}
        text = body
        if body is not None:
            is_form = isinstance(body, str)
            headers["Content-Type"] = (
                f"application/{'x-www-form-urlencoded' if is_form else 'json'}"
            )
            text = body if is_form else json.dumps(body)
        url = path if path.startswith("/") else f"/api/v1/{path}"
        sent = time.monotonic()
        try:
            # Head and body in one piece: a refusal needs no body, and a server that has answered
            # before the body came closes the connection.
            if self._connection.sock is None:
                self._connection.connect()
            here = self._connection.sock
            here.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            self._connection.request(method, url, text, headers)
            here.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
            response = self._connection.getresponse()
            content = response.read()
        except (http.client.HTTPException, ConnectionError):
            self._connection.close()
            raise
        named = {name.lower(): value for name, value in response.getheaders()}
        document = json.loads(content) if content else None
        return Answer(sent, time.monotonic(), response.status, named, document)


def together(clients: int, work: Callable[[int], Sequence[Answer]]) -> list[Answer]:
    """The ledgers of so many clients at once, as one."""
    with ThreadPoolExecutor(clients) as pool:
        return [answer for ledger in pool.map(work, range(clients)) for answer in ledger]


def most_in(seconds: float, ledger: Sequence[Answer]) -> int:
    """The most accepted requests that some interval shorter than `seconds` surely held: each was
    judged between its sending and its answer, so what lies wholly inside is beyond doubt.
    """
    accepted = sorted(a for a in ledger if a.status < 300)
    most = 0
    for number, first in enumerate(accepted):
        inside = (a.received - first.sent < seconds for a in accepted[number:])
        most = max(most, sum(inside))
    return most


class Store:
    """A Redis of one's own on one port: to be killed, frozen, filled and started anew."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as spare:
            self.port = spare.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = Redis(port=self.port)
        self._program = next(redis_places(folder))

    def start(self) -> None:
        """Start it, empty; returns when it answers."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, *options, "--dir", self.folder],
                stdout=log,
                stderr=log,
                **ordinary(self.folder),
            )
        for _ in range(3000):
            try:
                self.client.ping()
                return
            except RedisError:
                time.sleep(0.02)
        raise RuntimeError((self.folder / "log").read_text())

    def stop(self) -> None:
        """In order: what it holds is there again when it starts."""
        self.client.shutdown(save=True)
        self._process.wait()

    def kill(self) -> None:
        """As a machine dies."""
        self._process.kill()
        self._process.wait()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It takes connections and bytes and answers nothing."""
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._process.pid, signal.SIGCONT)


@contextmanager
def started() -> Iterator[Store]:
    """A store that answers, and ends with the block."""
    with tempfile.TemporaryDirectory(prefix="strongroom-", ignore_cleanup_errors=True) as folder:
        give_away(Path(folder))  # not below pytest's own folders, which nobody else may enter
        store = Store(Path(folder))
        store.start()
        try:
            yield store
        finally:
            store.kill()
