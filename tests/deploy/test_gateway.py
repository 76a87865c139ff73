"""The shipped gateway and the application behind it refuse the same, each without the other."""

import json
import re
import socket
import ssl
import time
import uuid
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.cast import make_tenant
from tests.conformance.server import serving
from tests.gateway import HOST, ORIGIN, Answer, Gateway, ask, connected, gateway, head, trusting

HSTS = ["max-age=31536000; includeSubDomains"]
SIZE = 256 * 1024


class Doors:
    """The three ports: the gateway's two, and the application's own, which no stranger should see."""

    def __init__(self, edge: Gateway, application: int) -> None:
        self.edge, self.application, self.tls = edge, application, trusting(edge.certificate)

    def https(self, request: bytes, **options: str) -> Answer:
        """Through the gateway."""
        return ask(connected(self.edge.https, tls=self.tls, **options), request)

    def clear(self, request: bytes, **options: str) -> Answer:
        """Through the gateway, in clear."""
        return ask(connected(self.edge.http, **options), request)

    def around(self, request: bytes) -> Answer:
        """Past the gateway; who gets there can also say that it was HTTPS."""
        first, _, rest = request.partition(b"\r\n")
        marked = first + b"\r\nX-Forwarded-Proto: https\r\n" + rest
        return ask(connected(self.application), marked)


@pytest.fixture
def doors(committed: None, tmp_path) -> Iterator[Doors]:
    """nginx before a Granian, over a database of their own."""
    settings = {"DJANGO_SETTINGS_MODULE": "tests.deploy.settings"}
    with serving(tmp_path / "server.log", **settings) as address:
        place = urlsplit(address).netloc
        with gateway(place) as edge:
            yield Doors(edge, int(place.rpartition(":")[2]))


def hostile() -> Iterator[tuple[str, bytes, int, str]]:
    """A name, the bytes, and the refusal that both doors must give."""
    body = b"x" * (SIZE + 1)
    json_type = {"Content_Type": "application/json"}
    yield (
        "a body that is too large",
        head("POST", **json_type, Content_Length=len(body)) + body,
        413,
        "body-too-large",
    )
    yield (
        "a body that claims to be",
        head("POST", **json_type, Content_Length=10**12),
        413,
        "body-too-large",
    )
    yield (
        "a body of no length",
        head("POST", **json_type, Transfer_Encoding="chunked") + b"2\r\n{}\r\n0\r\n\r\n",
        400,
        "invalid-request",
    )
    yield "a long URL", head(path="/api/v1/customers?page_size=" + "1" * 5000), 414, "uri-too-long"
    yield (
        "a longer URL",
        head(path="/api/v1/customers?page_size=" + "1" * 9000),
        414,
        "uri-too-long",
    )
    yield "long headers", head(**{f"X_{n}": "y" * 6000 for n in range(3)}), 431, "headers-too-large"
    yield "a secret in the URL", head(path="/api/v1/customers?api_key=C"), 400, "credential-in-url"
    yield (
        "two credentials",
        head(X_API_Key="a", Authorization="Bearer b"),
        400,
        ("multiple-credentials"),
    )
    yield "no such version", head(path="/api/v9/customers"), 404, "unknown-version"
    yield "a method of another age", head("PROPFIND"), 405, "method-not-allowed"
    yield "TRACE", head("TRACE"), 405, "method-not-allowed"
    yield "nobody", head(), 401, "invalid-token"


def refusal(answer: Answer) -> tuple[int, str]:
    """Assert that an answer is a whole problem document; give its status and code."""
    document = json.loads(answer.body)
    assert answer.all("Content-Type") == ["application/problem+json"], answer
    assert document["status"] == answer.status
    assert document["type"] == f"{ORIGIN}/docs/problems/{document['code']}"
    assert [document["instance"]] == [f"urn:uuid:{id}" for id in answer.all("X-Request-Id")]
    uuid.UUID(document["instance"].removeprefix("urn:uuid:"))
    for name in ("X-Content-Type-Options", "X-Frame-Options", "Cache-Control", "Referrer-Policy"):
        assert len(answer.all(name)) == 1, (name, answer)
    return answer.status, document["code"]


@pytest.mark.practice("RATE-11")
def test_both_doors_refuse_the_same_in_the_same_words(doors):
    for name, request, status, code in hostile():
        through = doors.https(request)
        assert refusal(through) == (status, code), name
        if name != "a longer URL":  # nginx has not read where it leads
            assert through.all("API-Version") == ["v1"], name
        assert refusal(doors.around(request)) == (status, code), name


@pytest.mark.practice("RATE-11")
@pytest.mark.practice("TRANS-01")
def test_what_came_in_clear_reaches_the_application_marked_as_such(doors):
    answer = doors.clear(head(path="/docs/?page=1"))
    assert (answer.status, answer.all("Location")) == (301, [f"{ORIGIN}/docs/?page=1"])
    assert answer.all("Strict-Transport-Security") == []
    acme = make_tenant("Acme")
    good = head(path="/api/v1/customers", X_API_Key=acme.clerk.secret)
    assert doors.https(good).status == 200
    lost = doors.clear(good)
    assert refusal(lost) == (403, "https-required")
    assert (lost.all("Location"), lost.all("Strict-Transport-Security")) == ([], [])
    assert refusal(doors.https(good)) == (401, "invalid-token")  # nobody uses it any more
    posted = head("POST", "/oauth/token", Content_Length=2) + b"{}"
    assert doors.clear(posted).status == 403


@pytest.mark.practice("RATE-11")
@pytest.mark.practice("TRANS-01")
def test_clear_text_on_the_port_of_tls_is_clear_text(doors):
    acme = make_tenant("Acme")
    good = head(path="/api/v1/customers", X_API_Key=acme.clerk.secret)
    lost = ask(connected(doors.edge.https), good)
    assert refusal(lost) == (403, "https-required")
    assert lost.all("Strict-Transport-Security") == []
    assert refusal(doors.https(good)) == (401, "invalid-token")


@pytest.mark.practice("RATE-11")
def test_what_a_caller_says_of_themselves_is_not_passed_on(doors, tmp_path):
    for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "True-Client-IP", "X-Client-IP"):
        spoken = head(**{name.replace("-", "_"): "for=203.0.113.9"})
        assert refusal(doors.https(spoken, source="127.0.0.7")) == (401, "invalid-token")
    acme = make_tenant("Acme")
    underscored = head().replace(b"Host:", f"X_API_KEY: {acme.clerk.secret}\r\nHost:".encode(), 1)
    assert refusal(doors.https(underscored, source="127.0.0.7")) == (401, "invalid-token")
    overridden = head("POST", "/api/v1/me", X_HTTP_Method_Override="GET", Content_Length=0)
    assert refusal(doors.https(overridden)) == (405, "method-not-allowed")
    lines = [
        json.loads(line[line.index("{") :])
        for line in (tmp_path / "server.log").read_text().splitlines()
        if '"request_id"' in line
    ]
    seen = {line["ip"] for line in lines if line["route"] == "api/v1/customers"}
    assert seen == {"127.0.0.7"}


@pytest.mark.practice("RATE-11")
def test_a_host_that_is_not_ours_gets_neither_certificate_nor_answer(doors):
    foreign = head(Host="evil.example")
    assert refusal(doors.https(foreign)) == (421, "invalid-request")
    assert refusal(doors.around(foreign)) == (400, "invalid-request")
    with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
        connected(doors.edge.https, tls=doors.tls, name="evil.example")
    assert refusal(doors.https(head(path="/metrics"))) == (404, "not-found")


@pytest.mark.practice("RATE-11")
def test_the_gateways_own_words_are_a_problem_or_an_oauth_error(doors):
    chunked = b"2\r\n{}\r\n0\r\n\r\n"
    machine = doors.https(head("POST", "/oauth/token", Transfer_Encoding="chunked") + chunked)
    assert machine.status == 400
    assert machine.all("Content-Type") == ["application/json"]
    assert json.loads(machine.body).keys() == {"error", "error_description"}
    raw = head(path="/docs/?").replace(b"?", b"\xff\xfe")
    for garbage in (b"G\x00T / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", raw):
        answer = doors.https(garbage)
        assert refusal(answer)[1] == "invalid-request"
        assert answer.all("Strict-Transport-Security") == HSTS
    split = head("POST", Content_Length=4, Transfer_Encoding="chunked") + b"0\r\n\r\n"
    assert refusal(doors.https(split)) == (400, "invalid-request")  # smuggling


@pytest.mark.practice("RATE-11")
def test_a_flood_hears_429_and_the_next_network_is_served():
    with gateway("127.0.0.1:9") as edge:
        line = f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
        heard = b""
        with connected(edge.http, source="127.0.0.66") as flood:
            flood.sendall(line * 300)
            flood.settimeout(60)
            while b" 429 " not in heard and (more := flood.recv(65536)):
                heard += more
        assert heard.startswith(b"HTTP/1.1 503")  # the first is served, as far as anybody is there
        assert b" 429 " in heard
        held = [connected(edge.http, source="127.0.0.67") for _ in range(60)]  # of which 40 may
        for wire in held:
            wire.sendall(head("POST", Content_Length=10))
        deadline = time.monotonic() + 10  # nobody is held for longer than 15 seconds
        one_more = ask(connected(edge.http, source="127.0.0.67"), head())
        while one_more.status == 503 and time.monotonic() < deadline:  # not all have come yet
            time.sleep(0.1)
            one_more = ask(connected(edge.http, source="127.0.0.67"), head())
        for wire in held:
            wire.close()
        assert refusal(one_more) == (429, "rate-limited")
        assert one_more.all("Retry-After") == ["1"]
        assert ask(connected(edge.http, source="127.0.0.68"), head()).status == 503


@pytest.mark.practice("RATE-11")
@pytest.mark.practice("TRANS-01")
def test_every_answer_over_https_says_so_once_and_none_in_clear(doors):
    for _name, request, *_ in hostile():
        assert doors.https(request).all("Strict-Transport-Security") == HSTS
    for path in ("/health/live", "/docs/", "/nowhere", "/static/nothing.css", "/metrics"):
        assert doors.https(head(path=path)).all("Strict-Transport-Security") == HSTS, path
        assert doors.clear(head(path=path)).all("Strict-Transport-Security") == [], path


@pytest.mark.practice("RATE-11")
def test_the_gateway_writes_no_path_and_no_value(doors):
    doors.https(head(path="/api/v1/CANARY?token=CANARY", X_API_Key="CANARY"))
    doors.https(head("POST", path="/CANARY", Content_Length=10**9))
    doors.https(head(path="/CANARY" + "x" * 9000))
    log = doors.edge.lines(3)
    assert "CANARY" not in "".join(log) + doors.edge.errors.read_text()
    lines = [json.loads(line) for line in log]
    assert [line["status"] for line in lines] == [400, 413, 414]
    assert all(re.match(r"TLSv1\.3 TLS_", line["tls"]) for line in lines)


def trickled(port: int, first: bytes, pause: float, most: float) -> float:
    """Send `first`, then a byte each `pause` seconds; the seconds until the other end had enough."""
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=60) as wire:
        wire.sendall(first)
        wire.settimeout(pause)
        while time.monotonic() - started < most:
            try:
                if not wire.recv(1000):
                    break
                continue  # an answer: the end of the connection follows
            except TimeoutError:
                pass
            except ConnectionError:
                break
            try:
                wire.sendall(b"x")
            except OSError:
                break
    return time.monotonic() - started


@pytest.mark.practice("RATE-11")
def test_who_says_little_slowly_is_hung_up_on():
    with gateway("127.0.0.1:9", patience="1s") as edge:
        assert trickled(edge.http, b"GET / HTTP/1.1\r\nX: ", 0.3, 14) < 10
        body = head("POST", Content_Length=10)
        assert trickled(edge.http, body, 2, 14) < 10


@pytest.mark.drill
@pytest.mark.practice("RATE-11")
def test_fifteen_seconds_are_the_patience_for_a_head():
    with gateway("127.0.0.1:9") as edge:
        assert 10 < trickled(edge.http, b"GET / HTTP/1.1\r\nX: ", 1, 30) < 20
        assert 10 < trickled(edge.http, head("POST", Content_Length=10), 29, 30) < 20


@pytest.mark.practice("RATE-11")
def test_the_application_gone_is_a_503_that_says_when_to_come_back():
    with gateway("127.0.0.1:9") as edge:
        answer = ask(connected(edge.https, tls=trusting(edge.certificate)), head())
    assert refusal(answer) == (503, "not-ready")
    assert answer.all("Retry-After") == ["2"]


@pytest.mark.practice("RATE-11")
def test_the_origin_answers_the_networks_of_a_cdn_and_nobody_else():
    with gateway("127.0.0.1:9", SAAS_ORIGIN_NETWORKS="127.0.0.9/32,2001:db8::/32") as edge:
        tls = trusting(edge.certificate)
        for name in ("https", "http"):
            context = tls if name == "https" else None
            port = getattr(edge, name)
            stranger = connected(port, tls=context, source="127.0.0.1")
            assert refusal(ask(stranger, head())) == (403, "permission-denied")
            forged = head(X_Forwarded_For="127.0.0.9")
            stranger = connected(port, tls=context, source="127.0.0.1")
            assert refusal(ask(stranger, forged)) == (403, "permission-denied")
            cdn = connected(port, tls=context, source="127.0.0.9")
            told = head(X_Forwarded_For="198.51.100.1, 203.0.113.5")
            assert refusal(ask(cdn, told)) == (503, "not-ready")
        deadline = time.monotonic() + 60  # a line is written after its answer
        while '"203.0.113.5"' not in edge.log.read_text() and time.monotonic() < deadline:
            time.sleep(0.05)
        lines = [json.loads(line) for line in edge.log.read_text().splitlines()]
        assert ("203.0.113.5", "127.0.0.9") in {(line["ip"], line["peer"]) for line in lines}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EDGE_NAMES", "a; return 200"),
        ("EDGE_ORIGIN", "https://x|y"),
        ("SAAS_ORIGIN_NETWORKS", "10.0.0.0/8; x"),
        ("SAAS_ORIGIN_NETWORKS", "everybody"),
    ],
)
@pytest.mark.practice("RATE-11")
def test_a_setting_that_could_be_a_directive_starts_nothing(name, value):
    with pytest.raises(RuntimeError), gateway("127.0.0.1:9", **{name: value}):
        pass


def test_the_certificate_is_for_our_host_alone(doors):
    with connected(doors.edge.https, tls=doors.tls) as wire:
        names = [value for _, value in wire.getpeercert()["subjectAltName"]]
    assert names == [HOST, "localhost"]
