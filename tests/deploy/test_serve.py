"""The server as the image starts it: what is loaded before it forks, and what comes after."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.server import database_url, serving
from tests.practices import ROOT
from tests.saas.wire import on_postgresql

pytestmark = pytest.mark.practice("OPS-05")

LOADED = """
import json, sys, threading
from pathlib import Path
import config.serve
held = [str(file.readlink()) for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]
json.dump([threading.active_count(), held], sys.stdout)
"""
SERVERS = ("config.serve", "config.wsgi:application")


def children(pid: int) -> list[int]:
    """The processes that it has begun."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def held(pid: int, kind: str) -> int:
    """Memory in kB: resident (Rss), or its share of it (Pss)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(f"{kind}:")))


def workers() -> list[int]:
    """Those of the server that this test has started."""
    servers = [
        pid
        for pid in children(os.getpid())
        if all(word in Path(f"/proc/{pid}/cmdline").read_text().split("\0") for word in SERVERS)
    ]
    [server] = servers
    return children(server)


def test_the_image_starts_it():
    lines = (ROOT / "deploy" / "Dockerfile").read_text().splitlines()
    [command] = [json.loads(line[4:]) for line in lines if line.startswith("CMD ")]
    assert command[:3] == ["python", "-m", "config.serve"]
    assert command[-1] == "config.wsgi:application"


@on_postgresql
def test_no_thread_and_no_connection_goes_through_the_fork(committed):
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.conformance.settings",
        "DATABASE_URL": database_url(),
        "CONFORMANCE_ORIGIN": "http://127.0.0.1",
    }
    command = [sys.executable, "-c", LOADED]
    told = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    threads, open_files = json.loads(told.stdout.splitlines()[-1])
    assert threads == 1
    assert not [one for one in open_files if one.startswith("socket:")]


@on_postgresql
def test_what_is_loaded_is_in_memory_once(committed, tmp_path):
    with serving(tmp_path / "log", workers=2):
        for pid in workers():
            assert held(pid, "Pss") < 0.6 * held(pid, "Rss")
