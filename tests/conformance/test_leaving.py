"""Clients that leave: each request has its one line, which says so, and half a body does nothing."""

import json
import socket
import struct
import time
from contextlib import contextmanager
from http.client import HTTPResponse
from urllib.parse import urlsplit

import pytest
from django.db import connection, transaction

from apps.customers.models import Customer
from saas.audit.models import AuditHead
from saas.tenancy.binding import bind
from tests.cast import make_tenant
from tests.conformance.server import serving

pytestmark = pytest.mark.practice("LOG-01")

REQUESTS = 90


@pytest.fixture
def server(committed, tmp_path):
    """The host and port of a real server, the key of an owner, and its log."""
    acme = make_tenant("Acme")
    log = tmp_path / "server.log"
    with serving(log) as address:
        url = urlsplit(address)
        yield (url.hostname, url.port), acme, log


def lines(log, count, patience=60):
    """The lines of the access log about customers, once there are `count`."""
    deadline = time.monotonic() + patience
    while True:
        whole = log.read_text().rpartition("\n")[0].splitlines()
        found = [json.loads(text.partition(" ")[2]) for text in whole if ' {"ts":' in text]
        found = [line for line in found if (line.get("route") or "").startswith("api/v1/customers")]
        if len(found) >= count or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def leave(address, sent, *, after=0.0, abruptly=False):
    """Send something and hang up, without waiting for any answer."""
    with socket.create_connection(address) as client:
        client.sendall(sent)
        time.sleep(after)
        if abruptly:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def asked(acme, method, body=b"", length=None):
    """The bytes of a request for the customers."""
    head = f"{method} /api/v1/customers HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {acme.owner.secret}\r\n"
    if method == "POST":
        head += f"Content-Type: application/json\r\nContent-Length: {len(body) if length is None else length}\r\n"
    return head.encode() + b"\r\n" + body


def take(address, sent):
    """Send something and take the whole answer: who leaves before its end has left."""
    with socket.create_connection(address) as client:
        client.sendall(sent)
        answer = HTTPResponse(client, method=sent.partition(b" ")[0].decode())
        answer.begin()
        answer.read()
        assert answer.status == 200


@contextmanager
def at_the_last_statement(acme):
    """Whatever is done for Acme meanwhile waits before its last statement until the block ends."""
    with bind(acme.id), transaction.atomic():
        AuditHead.objects.select_for_update().get()
        yield


def wait_until_one_waits(patience=60):
    """Until a session of this database waits for another one."""
    waiting = """SELECT count(*) FROM pg_stat_clear_snapshot(), pg_stat_activity
        WHERE wait_event_type = 'Lock' AND datname = current_database()"""
    deadline = time.monotonic() + patience
    with connection.cursor() as cursor:
        while True:
            cursor.execute(waiting)
            if cursor.fetchone() != (0,):
                return
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_a_client_that_leaves_while_it_sends_leaves_a_line_and_nothing_else(server):
    address, acme, log = server
    whole = b'{"name": "Initech", "country": "DE"}'
    for sent in (b"", whole[:20], whole):  # the last is whole JSON, and less than was declared
        leave(address, asked(acme, "POST", sent, len(whole) + 100))
        leave(address, asked(acme, "POST", sent, len(whole) + 100), after=0.1, abruptly=True)
    found = lines(log, 6)
    assert [line["decision"] for line in found] == ["client-left"] * 6
    assert [(line["status"], line["events"]) for line in found] == [(400, ["client.left"])] * 6
    assert [line["bytes_in"] for line in found] == [len(whole) + 100] * 6
    with bind(acme.id):
        assert not Customer.objects.exists()
    assert "unhandled" not in log.read_text()


def test_each_request_has_one_line_whoever_leaves_before_the_answer(server):
    address, acme, log = server
    with at_the_last_statement(acme):
        leave(address, asked(acme, "POST", b'{"name": "Initech", "country": "DE"}'), abruptly=True)
        wait_until_one_waits()
        time.sleep(0.2)  # until the server has noticed, which nobody sees from outside
    (line,) = lines(log, 1)
    assert (line["status"], line["decision"], line["events"]) == (201, "allow", ["client.left"])
    for method in ("GET", "HEAD"):
        take(address, asked(acme, method))
    assert [(line["decision"], line["events"]) for line in lines(log, 3)[1:]] == [("allow", [])] * 2
    for _ in range(REQUESTS // 3):
        leave(address, asked(acme, "POST", b"{", 10), after=0.02)
        leave(address, asked(acme, "GET"), after=0.02)
        take(address, asked(acme, "GET"))
    found = lines(log, REQUESTS + 3)
    time.sleep(0.3)
    assert len(lines(log, REQUESTS)) == len(found) == REQUESTS + 3
    assert len({line["request_id"] for line in found}) == REQUESTS + 3
    assert sum(line["decision"] == "client-left" for line in found) == REQUESTS / 3
