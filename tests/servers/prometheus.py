"""A real Prometheus for the tests that ask it; where there is none, they are skipped by name."""

import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.servers.keeper import last_words
from tests.servers.places import prometheus_places

type Ask = Callable[[str], list[dict[str, Any]]]


def binaries() -> Path:
    """Where `prometheus` and `promtool` are; skips the test where they are not."""
    for place in prometheus_places():
        return place
    pytest.skip("there is no prometheus on PATH (on Debian: apt install prometheus)")


def promtool(*arguments: str | Path) -> str:
    """What promtool says; it must find nothing wrong."""
    command = [binaries() / "promtool", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


@contextmanager
def prometheus(config: Path, home: Path, port: int) -> Iterator[Ask]:
    """A server with this configuration that keeps what it scrapes below `home`; yields a way to
    ask it a query.
    """
    place, log = binaries(), home / "prometheus.log"
    command: list[str | Path] = [
        place / "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={home / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=home, stdout=output, stderr=output)

    def ask(query: str) -> list[dict[str, Any]]:
        wanted = urllib.parse.urlencode({"query": query})
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?{wanted}") as answer:
            return json.load(answer)["data"]["result"]

    try:
        deadline = time.monotonic() + 90
        while True:
            try:
                ask("1")
                break
            except (urllib.error.URLError, ConnectionError):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(last_words(log.read_text())) from None
                time.sleep(0.05)
        yield ask
    finally:
        process.terminate()
        process.wait(timeout=20)
