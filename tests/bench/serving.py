"""Each variant behind the same server, with the same number of workers and open connections."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.bench.data import Books

ROOT = Path(__file__).parents[2]
OWN_PYTHON = ROOT / "tests" / "bench" / ".venv" / "bin" / "python"
WORKERS, THREADS = 2, 4  # as deploy/Dockerfile starts ours
NAMES = {
    "a": "raw view, SQL by hand, orjson: the limit",
    "bk": "bare DRF, cursor pages, no authentication",
    "b": "bare DRF, numbered pages (COUNT, OFFSET), no authentication",
    "ck": "DRF, django-oauth-toolkit, tenant by membership, cursor pages",
    "d": "FastAPI, SQLAlchemy async, asyncpg, a token looked up",
    "ours": "Strongroom, every layer on",
}
TICKS = os.sysconf("SC_CLK_TCK")


class Server(NamedTuple):
    """A variant that answers: where, how it is asked, and which processes it is made of."""

    name: str
    port: int
    base: str
    headers: dict[str, dict[str, str]]  # by member of the cast
    process: Any
    boot: float

    def head(self, method: str, who: str, length: int) -> str:
        """The bytes before the body; PATH and KEY are put in for each request."""
        lines = [f"{method} {self.base}PATH HTTP/1.1", "Host: api.strongroom.example"]
        lines += [f"{name}: {value}" for name, value in self.headers[who].items()]
        if length:
            lines += ["Content-Type: application/json", f"Content-Length: {length}"]
            lines += ["Idempotency-Key: KEY"]
        return "\r\n".join(lines) + "\r\n\r\n"

    def call(self, method: str, path: str, who: str = "hot", body: str = "", key: str = "") -> Any:
        """One request: status and document."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Host": "api.strongroom.example", **self.headers[who]}
        if body:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": key}
        connection.request(method, self.base + path, body or None, headers)
        response = connection.getresponse()
        document = response.read()
        connection.close()
        try:
            return response.status, json.loads(document)
        except ValueError:
            return response.status, {"text": document[-2000:].decode(errors="replace")}

    def pids(self) -> list[int]:
        """The server's processes."""
        found = [self.process.pid]
        for pid in found:
            found += [
                int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            ]
        return found

    def memory(self) -> tuple[float, float]:
        """The proportional memory of a worker, and of all processes together, in MB."""
        parent, *workers = (pss(pid) / 1024 for pid in self.pids())
        return sum(workers) / WORKERS, parent + sum(workers)


def pss(pid: int) -> int:
    """Proportional set size in kB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def cpu(pids: list[int]) -> dict[int, float]:
    """Seconds of CPU that each of these processes has used; who has ended is missing."""
    used = {}
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except FileNotFoundError:
            continue
        used[pid] = (int(fields[11]) + int(fields[12])) / TICKS
    return used


def used_since(before: dict[int, float]) -> float:
    """Seconds of CPU that those who still live have used since then."""
    return sum(seconds - before[pid] for pid, seconds in cpu(list(before)).items())


def can_run(name: str) -> bool:
    """Whether what the variant stands on is installed."""
    return name not in ("a", "d") or OWN_PYTHON.exists()


@contextmanager
def served(name: str, ours: Books, rivals: str) -> Iterator[Server]:
    """The variant `name` on a spare port, from its first answer to the end of the block."""
    with socket.create_server(("127.0.0.1", 0)) as spare:
        port = spare.getsockname()[1]
    interface = "asgi" if name == "d" else "wsgi"
    options = [f"--interface={interface}", f"--port={port}", f"--workers={WORKERS}", "--no-log"]
    if name == "ours":
        environment, target, python = ours.environment, "config.wsgi:application", sys.executable
        base = "/api/v1"
        headers = {
            who: {
                "X-API-Key": one["key"],
                "X-Forwarded-Proto": "https",
                "X-Forwarded-For": "192.0.2.7",
            }
            for who, one in ours.cast.items()
        }
    else:
        environment = os.environ | {
            "DATABASE_URL": rivals,
            "VARIANT": name,
            "DJANGO_SETTINGS_MODULE": "tests.bench.variants.settings",
        }
        target = (
            "tests.bench.variants.fast:app"
            if name == "d"
            else "tests.bench.variants.wsgi:application"
        )
        python, base = (str(OWN_PYTHON) if name in ("a", "d") else sys.executable), ""
        headers = {
            who: {"X-Tenant": one["tenant"]}
            if name in ("b", "bk")
            else {"Authorization": f"Bearer {one['token']}"}
            for who, one in ours.cast.items()
        }
    served_by = "config.serve" if name == "ours" else "tests.bench.variants.serve"
    options += ["--loop=uvloop"] if name == "d" else [f"--blocking-threads={THREADS}"]
    command = [python, "-m", served_by, *options, target]
    begun = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment | {"PGAPPNAME": f"bench-{name}"},
        stdout=subprocess.DEVNULL,
        stderr=sys.stderr if os.environ.get("BENCH_LOUD") else subprocess.DEVNULL,
    )
    server = Server(name, port, base, headers, process, 0.0)
    try:
        while True:
            try:
                status, _ = server.call("GET", "/invoices")
                break
            except (ConnectionError, OSError):
                if process.poll() is not None or time.perf_counter() - begun > 60:
                    raise RuntimeError(f"{name} does not start: BENCH_LOUD=1 shows why.") from None
                time.sleep(0.005)
        if status != 200:
            raise RuntimeError(f"{name} answers {status} to its first request.")
        yield server._replace(boot=time.perf_counter() - begun)
    finally:
        process.terminate()
        process.wait(20)
