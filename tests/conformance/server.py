"""The real server on loopback, over the database of one test."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from django.conf import settings
from django.db import connection

PATIENCE = 120  # seconds until it answers, on a machine with much else to do


@contextmanager
def serving(log: Path, *, workers: int = 1, threads: int = 4, **variables: str) -> Iterator[str]:
    """The address of a Granian that speaks HTTP, with the limits lifted; `variables` are of its
    environment.
    """
    with socket.create_server(("127.0.0.1", 0)) as spare:
        port = spare.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.conformance.settings",
        "DATABASE_URL": database_url(),
        "CONFORMANCE_ORIGIN": address,
        **variables,
    }
    options = ["--interface", "wsgi", "--port", str(port), "--blocking-threads", str(threads)]
    options += ["--workers", str(workers)]
    options += ["--workers-kill-timeout", "2"]  # a worker can miss that it is to end
    command = [sys.executable, "-m", "config.serve", *options, "config.wsgi:application"]
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, cwd=settings.BASE_DIR, env=environment, stdout=output, stderr=output
        )
    try:
        wait_for(server, f"{address}/health/live", log)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=PATIENCE)


def database_url() -> str:
    """The database that this test has been switched to, with the role that serves."""
    current = connection.settings_dict
    role = f"{current['USER']}:{current['PASSWORD']}"
    return f"postgres://{role}@{current['HOST']}:{current['PORT']}/{current['NAME']}"


def wait_for(server: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    """Until it answers. Fails with the server's own words when it does not."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urlopen(address, timeout=5).close()  # noqa: S310  # our own, on loopback
        except (URLError, TimeoutError, ConnectionError):
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"The server does not answer:\n{log.read_text()}")
