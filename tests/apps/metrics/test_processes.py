"""Several processes count, die and are followed by others; one more answers Prometheus."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from tests.conformance.server import database_url, serving
from tests.practices import ROOT

pytestmark = pytest.mark.practice("LOG-16")

COUNTS = """
import os, sys
from pathlib import Path
from prometheus_client import Counter, values
from apps.metrics.slots import Slot
values.ValueClass = values.MultiProcessValue(Slot(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])))
hits = Counter("hits", "Of a test.", registry=None)
for line in sys.stdin:
    if line == "fork\\n" and os.fork():
        os.wait()
        continue
    hits.inc()
    print(os.getpid(), flush=True)
    if line == "fork\\n":
        os._exit(0)
"""


class Process:
    """One that counts when it is told to."""

    def __init__(self, folder):
        environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", COUNTS],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def hit(self, word="hit"):
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def end(self):
        self.process.kill()
        self.process.communicate()


def test_whoever_comes_after_the_dead_goes_on_in_their_files(tmp_path):
    """The sum never falls, which Prometheus would take for a restart; and files do not pile up."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(tmp_path))
    here = [Process(tmp_path), Process(tmp_path)]
    try:
        total = 0
        for dying in (0, 1, 0, 0):
            for process in here:
                process.hit()
                process.hit()
            total += 4
            assert registry.get_sample_value("hits_total") == total
            here[dying].end()
            assert registry.get_sample_value("hits_total") == total
            here[dying] = Process(tmp_path)
        assert here[0].hit("fork") != here[0].process.pid  # a child counts beside its parent
        here[0].hit()
        assert registry.get_sample_value("hits_total") == total + 2
    finally:
        for process in here:
            process.end()
    assert sorted(path.name for path in tmp_path.glob("*.db")) == [
        f"counter_{number}.db" for number in range(3)
    ]


@contextmanager
def metrics(**variables):
    """`manage.py metrics` on a spare port; yields a way to read a page of it."""
    command = [sys.executable, "manage.py", "metrics"]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | variables)

    def page():
        port = variables["SAAS_METRICS_PORT"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            return answer.read().decode()

    try:
        wait_until(lambda: "strongroom_looked_at_seconds" in page())
        yield page
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait()


def wait_until(true, seconds=60):
    """Look again and again."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if true():
                return
        except OSError:
            pass
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_two_processes_of_a_real_server_are_one_page_on_a_port_of_their_own(committed, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as spare:
        port = str(spare.getsockname()[1])
    folder = tmp_path / "metrics"
    variables = {"SAAS_METRICS_PORT": port, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    with (
        serving(tmp_path / "log", workers=2, **variables) as address,
        metrics(
            DJANGO_SETTINGS_MODULE="config.settings.test", DATABASE_URL=database_url(), **variables
        ) as page,
    ):

        def ask(path):
            try:
                return urllib.request.urlopen(address + path).status  # noqa: S310  # our own
            except urllib.error.HTTPError as refused:
                return refused.code

        assert ask("/metrics") == 404
        for _ in range(20):
            assert ask("/api/v1/customers") == 401
        words = 'decision="invalid-token",method="GET",operation="none",status="4xx"'
        wait_until(lambda: f"strongroom_requests_total{{{words}}} 20.0" in page())
        assert 'strongroom_up{part="database"} 1.0' in page()
        assert "strongroom_outbox_late_seconds 0.0" in page()
        assert len(list(folder.glob("counter_*.db"))) == 4  # two that serve, their parent, the page
        assert folder.stat().st_mode & 0o077 == 0
