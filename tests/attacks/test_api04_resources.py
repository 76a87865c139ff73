"""API4, unrestricted resource consumption: Mallory, a member with a key, sends what is long, deep,
many or slow, and wants the service to pay for it.
"""

import json
import time

import pytest
from django.conf import settings as live

from tests.attacks.surface import TAKING, aim, changes, comparable, database, new_network
from tests.cast import KEY
from tests.matrix.samples import customer

pytestmark = [pytest.mark.core, pytest.mark.practice("INPUT-10")]

LIMIT = live.LIMITS["body_bytes"]
PATIENCE = 2.0  # seconds of work that any answer may be


def padded(body, size):
    """`body` as JSON of exactly `size` bytes; white space is free to whoever sends it."""
    text = json.dumps(body or {}).encode()
    return text + b" " * (size - len(text))


@pytest.mark.parametrize("operation", TAKING, ids=str)
def test_a_body_of_the_limit_is_read_and_one_byte_more_is_not(operation, acme):
    shot = aim(operation, acme)
    before = database(acme)
    for size in (LIMIT + 1, LIMIT * 4):
        answer = shot.by(acme.owner, padded(shot.body, size))
        assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
    assert not changes(before, database(acme))
    assert shot.by(acme.owner, padded(shot.body, LIMIT)).status_code in (200, 201)


def test_a_lie_about_the_length_is_refused_unread(acme):
    large = ["9" * 5000, str(LIMIT + 1)]
    for length in (*large, "-1", "+2", "0x10", "1e3", "2, 2", "\u0662", " "):
        answer = acme.owner.client.generic(
            "POST",
            "/api/v1/customers",
            b'{"name": "x", "country": "DE"}',
            secure=True,
            headers={"X-API-Key": acme.owner.secret},
            CONTENT_LENGTH=length,
        )
        assert answer.status_code == (413 if length in large else 400), length
    assert not acme.owner.get("customers").json()["results"]


def test_a_body_without_a_length_or_in_a_coat_is_refused(acme):
    body = {"name": "x", "country": "DE"}
    client, key = acme.owner.client, {"X-API-Key": acme.owner.secret}
    chunked = {**key, "Transfer-Encoding": "chunked"}
    answer = client.generic("POST", "/api/v1/customers", b"", headers=chunked, secure=True)
    assert answer.status_code == 400
    for encoding in ("gzip", "deflate", "br", "gzip, identity", "x"):
        assert acme.owner.post("customers", body, Content_Encoding=encoding).status_code == 415
    types = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
    types += [f"application/json; charset={c}" for c in ("utf-16", "utf-7", "latin-1", "zip", "")]
    types += ["application/json; x=y", "application/xml", "application/jsonp", "json", "*/*"]
    for name in types:
        assert acme.owner.post("customers", body, Content_Type=name).status_code == 415, name


def test_an_invoice_has_five_hundred_lines_and_each_line_a_hundred_allowances(acme):
    body = {"customer": customer(acme), "currency": "EUR"}
    line = {"description": "x", "quantity": "1", "unit_price": "1", "tax_rate": "0"}
    entry = {"amount": "0", "reason": "x"}

    def status(lines):
        headers = {"Idempotency_Key": f"{KEY}-{len(lines)}-{len(lines[0])}"}
        return acme.owner.post("invoices", {**body, "lines": lines}, **headers).status_code

    most = live.LIMITS["invoice_lines"]
    assert [status([line] * n) for n in (most, most + 1)] == [201, 400]
    assert [status([{**line, "allowances": [entry] * n}]) for n in (100, 101)] == [201, 400]


SIZES = ["0", "101", "-1", "1e2", "0x10", " 5", "5 ", "5.0", "", "1_0", "99999999999"]
SIZES += ["\uff11\uff10", "\u0663", "\u2075", "\u0967"]  # digits of other scripts


@pytest.mark.practice("INPUT-09")
def test_a_page_is_no_larger_than_a_hundred_rows_however_the_number_is_spelled(acme):
    for size in SIZES:
        answer = acme.owner.get(f"customers?page_size={size.replace(' ', '%20')}")
        assert answer.status_code == 400, size
    assert acme.owner.get("customers?page_size=100").status_code == 200


def test_a_long_head_is_refused_before_anything_is_looked_up(acme, django_assert_num_queries):
    room = 4096 - len("/api/v1/customers?a=")
    with django_assert_num_queries(0):
        assert acme.owner.get(f"customers?a={'a' * (room + 1)}").status_code == 414
        assert acme.owner.get("customers", X_Long="a" * 16_384).status_code == 431
        many = {f"X-H{number}": "a" * 10 for number in range(1000)}
        assert acme.owner.get("customers", **many).status_code == 431
        assert (
            acme.owner.get("customers?" + "&".join(f"a{n}=" for n in range(101))).status_code == 400
        )
    assert acme.owner.get(f"customers?a={'a' * room}").status_code == 400


def bombs():
    """Bodies that cost a careless reader far more than their bytes."""
    yield b"[" * 100_000
    yield b'{"a":' * 50_000
    yield b'{"name":' + b"[" * 33 + b"]" * 33 + b"}"
    yield b"]" * 100_000 + b"[" * 100_000
    yield b'{"name":' + b"9" * 200_000 + b"}"
    yield b'{"name":1e' + b"9" * 200_000 + b"}"
    yield b'{"name":0.' + b"1" * 200_000 + b"}"
    yield b'{"name":"' + b"\\" * 200_001 + b'"}'
    yield b'"' * 200_000
    yield b'{"' + b'":1,"'.join(str(n).encode() for n in range(20_000)) + b'":1}'
    for text in ("a@" * 100_000, "a" * 200_000 + "!", "." * 200_000, "e\u0301" * 60_000):
        for name in ("name", "email", "country", "tax_id", "iban"):
            yield json.dumps(
                {"name": "x", "country": "DE", name: text}, ensure_ascii=False
            ).encode()


def test_a_bomb_is_answered_at_once_with_less_than_was_sent(acme):
    for bomb in bombs():
        started = time.thread_time()
        answer = acme.owner.post("customers", bomb)
        assert answer.status_code == 400, bomb[:40]
        assert time.thread_time() - started < PATIENCE, bomb[:40]
        assert len(answer.content) < max(len(bomb) * 2, 1000)
        assert len(answer.json()["errors"]) <= live.LIMITS["errors"]
    assert not acme.owner.get("customers").json()["results"]


@pytest.fixture
def strict(settings):
    """Limits low enough to be reached by a test."""

    def strictly(**rates):
        changed = {name: live.RATES[name]._replace(requests=n) for name, n in rates.items()}
        settings.RATES = live.RATES | changed

    return strictly


@pytest.mark.practice("RATE-02")
def test_no_disguise_gives_a_principal_a_second_allowance(acme, strict):
    strict(principal=5)
    disguises = [
        ("me", {"X-Forwarded-For": "192.0.2.1"}),
        ("organization", {"User-Agent": "another"}),
        ("customers?page_size=1", {"Forwarded": "for=192.0.2.2", "X-Real-IP": "192.0.2.3"}),
        ("invoices", {"X-Request-Id": "0192a000-0000-7000-8000-000000000000"}),
        ("members", {"Cookie": "a=b", "Accept": "text/html"}),
        ("audit-events", {"X-Original-URL": "/health/live"}),
        ("me", {"X-Forwarded-For": "127.0.0.1", "X-HTTP-Method-Override": "HEAD"}),
    ]
    answers = [acme.owner.get(path, **headers).status_code for path, headers in disguises]
    assert answers == [200] * 5 + [429] * 2
    assert acme.admin.get("me").status_code == 200


@pytest.mark.practice("RATE-02")
def test_refusals_are_counted_too_so_that_searching_is_not_free(acme, strict):
    strict(principal=6)
    paths = ["customers/0192a000-0000-7000-8000-000000000000", "customers?x=y", "audit-events"]
    answers = [acme.viewer.get(path).status_code for path in paths * 3]
    assert answers == [404, 400, 403] * 2 + [429] * 3


@pytest.mark.practice("RATE-02")
def test_the_keys_of_one_network_share_its_allowance(acme, globex, strict):
    strict(network=6)
    callers = [*acme.members, globex.owner, globex.admin, globex.viewer]
    network = new_network()
    for caller in callers:
        caller.client.defaults["REMOTE_ADDR"] = network
    answers = [caller.get("me") for caller in callers]
    assert [answer.status_code for answer in answers] == [200] * 6 + [429] * 2
    assert answers[-1]["Retry-After"].isdecimal()
    assert comparable(answers[-1])[2]["violated-policies"] == ["net"]


@pytest.mark.practice("RATE-02")
def test_what_hands_out_power_has_the_smallest_allowance(acme, strict):
    strict(sensitive=3)
    bodies = [("api-keys", {"name": f"key {n}"}) for n in range(3)]
    bodies += [("invitations", {"email": "one@elsewhere.example"})]
    assert [acme.owner.post(*body).status_code for body in bodies] == [201] * 3 + [429]
    assert acme.owner.get("me").status_code == 200
