"""What a balancer hears from a real server while what stands behind it comes and goes."""

import os
import socket
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import pytest
from django.db import connection

from apps.operations import health
from tests.conformance.server import database_url, serving
from tests.saas.wire import on_postgresql

pytestmark = [pytest.mark.practice("X-22"), on_postgresql]
PATIENCE = health.PATIENCE + 1.5  # two cores, shared


class Link:
    """A wire to another server that can be cut, and can go silent while it still takes calls."""

    def __init__(self, there):
        self.there = there
        self.is_up, self.flows = True, threading.Event()
        self.flows.set()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.ends = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with suppress(OSError):
            while True:
                near, _ = self.server.accept()
                if not self.is_up:
                    near.close()
                    continue
                far = socket.create_connection(self.there)
                self.ends += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self.carry, args=(one, other), daemon=True).start()

    def carry(self, one, other):
        with suppress(OSError):
            while data := one.recv(65536):
                self.flows.wait()
                other.sendall(data)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self):
        self.is_up = False
        for end in self.ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def mend(self):
        self.is_up = True


@contextmanager
def link_to(url):
    """A link to where `url` leads, and the URL through it."""
    parts = urlsplit(url)
    link = Link((parts.hostname, parts.port))
    try:
        yield link, url.replace(f"{parts.hostname}:{parts.port}", f"127.0.0.1:{link.port}")
    finally:
        link.flows.set()
        link.cut()
        link.server.close()


def ask(address, question):
    """The status, the header Retry-After, and how long it took."""
    began = time.monotonic()
    try:
        with urllib.request.urlopen(f"{address}/health/{question}", timeout=60) as answer:  # noqa: S310  # our own
            return answer.status, None, time.monotonic() - began
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers["Retry-After"], time.monotonic() - began


def hears(address, status, tries=5):
    """Whether both questions are answered in time, `ready` with this status: in one of some tries,
    for others may be at work on this machine.
    """
    for _ in range(tries):
        ready, alive = ask(address, "ready"), ask(address, "live")
        assert bool(ready[1]) == (ready[0] == 503)
        heard = (ready[0], ready[2] < PATIENCE, alive[0], alive[2] < 1)
        if heard == (status, True, 200, True):
            return
        time.sleep(0.5)
    raise AssertionError(heard)


def test_a_balancer_hears_the_truth_in_time_and_when_it_is_over(committed, tmp_path):
    drained = tmp_path / "drained"
    drained.touch()  # of a process before this one
    os.utime(drained, (0, 0))
    with (
        link_to(database_url()) as (database, database_there),
        link_to(os.environ["REDIS_URL"]) as (redis, redis_there),
        serving(
            tmp_path / "log",
            threads=2,
            DATABASE_URL=database_there,
            REDIS_URL=redis_there,
            SAAS_DRAIN_FILE=str(drained),
        ) as address,
    ):
        hears(address, 200)
        database.cut()
        hears(address, 503)
        database.mend()
        hears(address, 200)

        database.flows.clear()  # it takes the call and says nothing
        for _ in range(3):  # more questions than the server has threads
            hears(address, 503)
        database.flows.set()
        hears(address, 200)

        redis.cut()
        hears(address, 503)  # what changes things would be told to wait
        redis.mend()  # a store that failed is left alone for a second
        hears(address, 200)

        drained.touch()
        hears(address, 503)
        drained.unlink()
        hears(address, 200)


def test_many_who_ask_at_once_are_one_connection(db, monkeypatch):
    monkeypatch.setattr(health, "PATIENCE", 60)
    asked, go_on = [], threading.Event()

    def slow():
        asked.append(connection)
        return go_on.wait(60)

    probe = health.Probe(slow)
    answers = []
    callers = [threading.Thread(target=lambda: answers.append(probe())) for _ in range(20)]
    for caller in callers:
        caller.start()
    deadline = time.monotonic() + 60
    while not probe._asked or len(probe._asked._condition._waiters) < len(callers):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    go_on.set()
    for caller in callers:
        caller.join()
    assert (len(asked), answers) == (1, [True] * 20)


def test_a_network_that_is_gone_is_noticed_below_us(db):
    connection.ensure_connection()
    known = connection.connection.info.get_parameters()
    assert int(known["keepalives_idle"]) + 15 <= 30
    assert int(known["tcp_user_timeout"]) <= 30_000
