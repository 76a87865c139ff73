"""Raw bytes at a running server: whatever comes, each machine endpoint answers in its own form."""

import json
import socket
from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from tests.cast import make_tenant
from tests.live import served
from tests.oauth import (
    CALLBACK,
    SECRET,
    VERIFIER,
    basic,
    code_for,
    make_client,
    make_service,
)

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHN-02")]

READ, WRITE = "notes:read", "notes:write"
FORM = "application/x-www-form-urlencoded"
ENDPOINTS = ("/oauth/token", "/oauth/revoke", "/oauth/introspect")


class Answer:
    """What came back over the socket."""

    def __init__(self, raw: bytes) -> None:
        head, _, self.body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}

    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """A server, asked byte for byte."""

    def __init__(self, origin: str) -> None:
        self.at = urlsplit(origin)

    def send(self, raw: bytes) -> Answer:
        """These bytes and nothing else."""
        with socket.create_connection((self.at.hostname, self.at.port), timeout=60) as line:
            line.sendall(raw)
            line.shutdown(socket.SHUT_WR)
            return Answer(b"".join(iter(lambda: line.recv(65536), b"")))

    def ask(
        self, method: str, path: str, body: bytes = b"", kind: str = FORM, **headers: str
    ) -> Answer:
        """One request with a length that is right."""
        lines = {"Host": self.at.netloc, "Connection": "close", "Content-Length": str(len(body))}
        lines |= ({"Content-Type": kind} if kind else {}) | headers
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items())
        return self.send(head.encode("latin-1") + b"\r\n" + body)

    def post(self, path: str, form: Any, **headers: str) -> Answer:
        """A form."""
        body = form if isinstance(form, bytes) else urlencode(form).encode()
        return self.ask("POST", path, body, **headers)


@pytest.fixture
def wire(committed: None, settings) -> Iterator[Wire]:
    """A running server."""
    with served(settings) as origin:
        yield Wire(origin)


def refused(answer: Answer, status: int, error: str) -> None:
    """One error of RFC 6749 §5.2 and nothing else; 401 names the scheme."""
    assert answer.status == status, (answer.status, answer.body)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json().keys() == {"error", "error_description"}
    assert answer.json()["error"] == error, answer.json()
    assert answer.headers.get("www-authenticate", "").startswith("Basic ") == (status == 401)
    assert "set-cookie" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers


def test_no_bytes_make_a_machine_endpoint_fall_over(wire):
    service = make_service(make_tenant("Acme"), READ, "introspection")
    header = basic(service)
    form = {"grant_type": "client_credentials", "scope": READ}
    whole = urlencode(form).encode()
    pair = f"{service.client_id}:{SECRET}"
    odd: list[tuple[bytes, dict[str, str]]] = [
        (b"\xff\xfe\xfd", header),
        (whole + b"&x=%ff%fe", header),
        (whole + b"&%00=1", header),
        (whole + b"&scope=notes:read", header),
        (b"grant_type=client_credentials&grant_type=authorization_code", header),
        (b"grant_type=" + b"a" * 200_000, header),
        (b"&".join(b"a%d=1" % n for n in range(500)), header),
        (b"=&=&&&", header),
        (b"grant_type[]=x&grant_type[a]=y", header),
        (b"grant_type=refresh_token&refresh_token=" + b"sr_rt_" + b"0" * 61, header),
        (b"grant_type=authorization_code&code=%ED%A0%80&redirect_uri=x&code_verifier=y", header),
        (b"grant_type=client_credentials&scope=" + "ünï ☃".encode(), header),
        (whole, {"Authorization": "Basic"}),
        (whole, {"Authorization": "Basic " + "A" * 9000}),
        (whole, {"Authorization": "Basic " + b64encode(b"\xff:\xff").decode()}),
        (whole, {"Authorization": "Basic " + b64encode(b"%00%ff:%00").decode()}),
        (whole, {"Authorization": "Basic " + b64encode(b"a" * 3000 + b":b").decode()}),
        (whole, {"Authorization": "\xff\xfe"}),
        (whole, {"Authorization": f"Digest {b64encode(pair.encode()).decode()}"}),
    ]
    for path in ENDPOINTS:
        for body, headers in odd:
            answer = wire.post(path, body, **headers)
            assert 400 <= answer.status < 500, (path, body[:60], answer.body)
            assert answer.headers["content-type"] == "application/json"
            assert answer.json()["error"]
    assert wire.post("/oauth/token", form, **header).status == 200


def test_only_a_form_that_is_posted_is_read(wire):
    service = make_service(make_tenant("Acme"), READ)
    form, header = {"grant_type": "client_credentials", "scope": READ}, basic(service)
    body = urlencode(form).encode()
    for path in ENDPOINTS:
        for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"):
            answer = wire.ask(method, path, **header)
            refused(answer, 405, "invalid_request")
            assert answer.headers["allow"] == "POST"
        assert wire.ask("HEAD", path, **header).status == 405
        overridden = wire.ask("GET", path, **header, **{"X-HTTP-Method-Override": "POST"})
        assert overridden.status == 405
        for kind in ("application/json", "multipart/form-data; boundary=x", "text/plain", "",
                     f"{FORM}; charset=utf-16", f"{FORM}; charset=zip"):  # fmt: skip
            refused(wire.ask("POST", path, body, kind, **header), 415, "invalid_request")
        in_url = wire.post(f"{path}?grant_type=client_credentials", form, **header)
        refused(in_url, 400, "invalid_request")
    assert wire.post("/oauth/token", form, kind=f"{FORM}; charset=UTF-8", **header).status == 200
    secret_in_url = wire.post(f"/oauth/token?client_secret={SECRET}", form)
    refused(secret_in_url, 400, "invalid_request")


def test_two_clients_never_get_at_each_others_codes_and_tokens(wire):
    acme, globex = make_tenant("Acme"), make_tenant("Globex")
    app, other = make_client(acme, READ, WRITE), make_client(globex, READ, WRITE)
    confidential = make_client(acme, READ, kind="confidential")
    wanted = {"redirect_uri": CALLBACK, "code_verifier": VERIFIER}

    def exchange(client, code, **more):
        form = {"grant_type": "authorization_code", "client_id": client.client_id, "code": code}
        return wire.post("/oauth/token", form | wanted | more)

    def refresh(client, token, **more):
        form = {"grant_type": "refresh_token", "client_id": client.client_id}
        return wire.post("/oauth/token", form | {"refresh_token": token} | more)

    code = code_for(app, acme.clerk, READ)
    refused(exchange(other, code), 400, "invalid_grant")
    refused(exchange(app, code, redirect_uri=CALLBACK + "/x"), 400, "invalid_grant")
    refused(exchange(app, code, code_verifier=""), 400, "invalid_grant")
    refused(exchange(app, code, code_verifier="w" * 43), 400, "invalid_grant")
    pair = exchange(app, code).json()
    refused(refresh(other, pair["refresh_token"]), 400, "invalid_grant")
    refused(refresh(app, pair["access_token"]), 400, "invalid_grant")
    refused(refresh(app, pair["refresh_token"], scope=f"{READ} {WRITE}"), 400, "invalid_scope")
    # A confidential client is none without its secret, and none with the name of another.
    code = code_for(confidential, acme.clerk, READ)
    refused(exchange(confidential, code), 401, "invalid_client")
    form = {"grant_type": "authorization_code", "code": code} | wanted
    named = form | {"client_id": app.client_id}
    refused(wire.post("/oauth/token", named, **basic(confidential)), 400, "invalid_request")
    assert wire.post("/oauth/token", form, **basic(confidential)).status == 200
    refused(wire.post("/oauth/token", form | {"client_id": app.client_id, "client_secret": ""}),
            400, "invalid_grant")  # fmt: skip
    # What was refused has harmed nobody, and a token opens its own organization alone.
    bearer = {"Authorization": f"Bearer {pair['access_token']}"}
    assert wire.ask("GET", "/api/v1/notes", kind="", **bearer).status == 200
    made = wire.ask("GET", "/api/v1/notes?organization=" + str(globex.id), kind="", **bearer)
    assert made.status == 400
    for header in ({"X-Tenant": str(globex.id)}, {"X-Organization-Id": str(globex.id)}):
        me = wire.ask("GET", "/api/v1/notes", kind="", **bearer, **header)
        assert me.status == 200
        assert me.json()["results"] == []


def test_an_invalid_token_is_told_before_the_body_is_looked_at(wire):
    make_tenant("Acme")
    for token in ("sr_at_" + "0" * 61, "nonsense", "eyJhbGciOiJSUzI1NiJ9.e30.AAAA"):
        bearer = {"Authorization": f"Bearer {token}"}
        answer = wire.ask("POST", "/api/v1/notes", b"{not json", "application/json", **bearer)
        assert (answer.status, answer.json()["code"]) == (401, "invalid-token")
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    nobody = wire.ask("POST", "/api/v1/notes", b"{not json", "application/json")
    assert nobody.status == 401
    in_form = wire.post("/api/v1/notes", {"access_token": "x"})
    assert in_form.status == 415
