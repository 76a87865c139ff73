"""`make run`'s command, as a newcomer meets it: in a fresh copy, with nothing set."""

import http.client
import itertools
import os
import re
import shlex
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import User
from apps.operations.management.commands.quickstart import free_port

ROOT = Path(__file__).parents[3]
CODE = ("apps", "config", "docs", "openapi", "saas")
KEPT_VARIABLES = ("HOME", "PATH", "LANG", "LC_ALL", "TMPDIR")


class Answer(NamedTuple):
    """What came back for a pasted line."""

    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """The code as a clone has it, compiled as it is here, and without any state."""
    folder = tmp_path_factory.mktemp("clone")
    for name in CODE:
        if (ROOT / name).exists():
            shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "manage.py", folder)
    return folder


@pytest.fixture
def port() -> int:
    """One that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as spare:
        return spare.getsockname()[1]


@contextmanager
def running(copy: Path, port: int) -> Iterator[tuple[subprocess.Popen, list[str]]]:
    """The served demo, from the moment that it answers, with what it printed until then."""
    output = copy / "output"
    with output.open("w") as sink:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "quickstart"],
            cwd=copy,
            env=variables(PORT=str(port)),
            stdout=sink,
            stderr=sink,
        )
    try:
        wait_until_it_answers(process, port, output)
        yield process, output.read_text().replace("\\\n", " ").splitlines()
    finally:
        process.terminate()
        process.wait(timeout=60)


def variables(**more: str) -> dict[str, str]:
    """A clean environment."""
    return {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ} | more


def wait_until_it_answers(process: subprocess.Popen, port: int, output: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"It does not serve:\n{output.read_text()}")


def pasted(line: str) -> Answer:
    """What curl would get for a printed line."""
    words = shlex.split(line)
    assert words[:2] == ["curl", "-i"]
    url, options = urlsplit(words[2]), words[3:]
    pairs = list(itertools.pairwise(options))
    headers = dict(value.split(": ", 1) for option, value in pairs if option == "-H")
    bodies = [value.encode() for option, value in pairs if option == "-d"]
    connection = http.client.HTTPConnection("127.0.0.1", url.port or 80, timeout=60)
    with closing(connection):
        headers["Host"] = url.netloc
        connection.request("POST" if bodies else "GET", url.path, b"".join(bodies), headers)
        response = connection.getresponse()
        return Answer(response.status, dict(response.headers), response.read())


def is_working(copy: Path) -> bool:
    """Whether a worker of this copy is there; only Linux tells."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if process.read_bytes().startswith(f"{sys.executable}\0{copy}/manage.py\0".encode()):
                return True
    return False


def customers(printed: list[str]) -> str:
    """The printed line that lists them."""
    [line] = [line.strip() for line in printed if line.endswith("'") and "customers" in line]
    return line


def test_what_it_prints_works_when_pasted_and_a_second_run_keeps_the_data_and_voids_the_key(
    copy, port
):
    with running(copy, port) as (process, printed):
        refused, allowed, draft = [line.strip() for line in printed if line.startswith("  curl")]
        assert allowed.startswith(refused)  # the same call, with a key
        assert pasted(refused).status == 401
        assert pasted(allowed).status == 200
        first, again = pasted(draft), pasted(draft)
        assert (first.status, again.status) == (201, 201)
        assert first.headers["location"] == again.headers["location"]
        assert again.headers["idempotency-replayed"] == "true"
        for page in [line.split()[0] for line in printed if line.startswith("  http")]:
            assert pasted(f"curl -i {page}").status == 200, page
        old = customers(printed)
        ids = re.findall(rb'"id":"([^"]+)"', pasted(old).body)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
    with running(copy, port) as (_, printed):
        assert re.findall(rb'"id":"([^"]+)"', pasted(customers(printed)).body) == ids
        assert pasted(old).status == 401


def test_the_worker_brings_the_mail_and_ends_with_the_server(copy, port):
    with running(copy, port) as (process, printed):
        invite = customers(printed).replace("customers", "invitations")
        invite += """ -H 'Content-Type: application/json' -d '{"email": "new@initech.example"}'"""
        assert pasted(invite).status == 201
        assert is_working(copy) or not Path("/proc").exists()
        mails = f"curl -i http://localhost:{port}/dev/mail"
        deadline = time.monotonic() + 60
        while b"new@initech.example" not in pasted(mails).body:
            assert time.monotonic() < deadline, "no mail came"
            time.sleep(0.2)
        process.kill()  # however it ends
        process.wait(timeout=60)
    deadline = time.monotonic() + 60
    while is_working(copy):
        assert time.monotonic() < deadline, "the worker is left over"
        time.sleep(0.2)


def test_the_server_does_not_start_without_its_guards(copy, port):
    environment = variables(DJANGO_SETTINGS_MODULE="config.settings.development")
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    subprocess.run(migrate, cwd=copy, env=environment, check=True)
    with closing(sqlite3.connect(copy / "var" / "strongroom.sqlite3")) as database:
        database.execute("DROP TRIGGER audit_auditentry_no_delete")
    server = [sys.executable, "-m", "granian", "--interface=wsgi", f"--port={port}"]
    ended = subprocess.run(
        [*server, "--blocking-threads=1", "config.wsgi:application"],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode != 0
    assert "the guard audit_auditentry_no_delete is missing" in ended.stdout + ended.stderr


def test_a_port_that_is_taken_is_one_sentence_and_changes_nothing(db, settings, monkeypatch):
    settings.SAAS_DEMO = True
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("PORT", str(port))
        with pytest.raises(CommandError, match=rf"^Port {port} is taken .+\.$"):
            call_command("quickstart")
    assert not User.objects.exists()


@pytest.mark.parametrize("asked", ["abc", "0", "65536", "-1", "80 80"])
def test_a_port_that_is_none_is_one_sentence(asked):
    with pytest.raises(CommandError, match="from 1 to 65535"):
        free_port(asked)


def test_outside_development_it_refuses(db, settings):
    settings.SAAS_DEMO = False
    with pytest.raises(CommandError, match="for development"):
        call_command("quickstart")
