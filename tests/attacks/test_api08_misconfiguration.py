"""API8, security misconfiguration: Mallory is a stranger who looks for the verbose error, the
forgotten method, the trusting header and the page that a cache will keep for her.
"""

import json
import logging

import pytest
from django.conf import settings as live
from django.test import Client

from saas.tenancy.binding import bound_tenant
from tests.attacks.payloads import SPOOFS
from tests.attacks.surface import ABSENT, OPERATIONS, aim, comparable
from tests.cast import call
from tests.matrix.samples import customer, filled

pytestmark = [pytest.mark.core, pytest.mark.practice("X-18")]

PATHS = sorted({filled(operation.path, ABSENT) for operation in OPERATIONS})
SENT_BY_ALL = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "API-Version": "v1",
}
TALKATIVE = [
    "Traceback",
    'File "',
    ".py",
    "django",
    "Django",
    "rest_framework",
    "psycopg",
    "sqlite",
]
TALKATIVE += [
    "SELECT ",
    "INSERT ",
    "DoesNotExist",
    "Exception",
    "integrations_",
    "<html",
    "<!doctype",
]


def test_each_path_answers_its_methods_and_says_exactly_which(acme):
    odd = {"PUT", "TRACE", "OPTIONS", "CONNECT", "TRACK", "DEBUG", "PROPFIND", "FOO", "GETT", "M-X"}
    callers = (acme.owner.call, lambda *args: call(Client(), *args))
    for path in PATHS:
        mine = {o.method for o in OPERATIONS if filled(o.path, ABSENT) == path}
        allowed = mine | ({"HEAD"} if "GET" in mine else set())
        for method in odd | ({"GET", "POST", "PATCH", "DELETE"} - mine):
            for answer in (caller(method, path) for caller in callers):
                assert (answer.status_code, answer.json()["code"]) == (405, "method-not-allowed")
                assert sorted(answer["Allow"].split(", ")) == sorted(allowed), (method, path)


def test_head_says_what_get_says_and_no_more(acme):
    for path in ("me", "customers", f"customers/{customer(acme)}", "audit-events?page_size=1"):
        read, head = acme.viewer.get(path), acme.viewer.call("HEAD", path)
        assert head.status_code == read.status_code
        assert head.content == b""
        assert comparable(head)[1].keys() >= comparable(read)[1].keys() - {"Content-Length"}


def answers(acme, stranger):
    """One answer of every status that a caller can provoke."""
    owner, id = acme.owner, customer(acme)
    yield from (owner.get("me"), owner.post("customers", {"name": "x", "country": "DE"}))
    yield from (owner.get("customers?x=y"), owner.get("me?token=x"), stranger("GET", "me"))
    yield from (
        owner.post("customers", b"{"),
        owner.post("customers", {}),
        acme.viewer.get("members"),
    )
    yield from (
        owner.get(f"customers/{ABSENT}"),
        owner.get("nowhere"),
        stranger("GET", "/api/v9/x"),
    )
    yield from (owner.call("PUT", "me"), owner.patch(f"customers/{id}", {"name": "y"}))
    yield owner.patch(f"customers/{id}", {"name": "y"}, If_Match='"0"')
    yield from (owner.post("customers", b" " * 300_000), owner.get("me?a=" + "a" * 5000))
    yield from (owner.get("me", X_Long="a" * 20_000), owner.get("me", Host="elsewhere.example"))
    yield from (
        owner.post("customers", {}, Content_Type="text/plain"),
        owner.delete(f"customers/{id}"),
    )
    yield owner.get("/api/v1/%ff%00<script>")


@pytest.mark.practice("TRANS-08")
@pytest.mark.practice("TRANS-09")
@pytest.mark.practice("TRANS-10")
def test_every_answer_is_guarded_and_none_talks(acme, stranger):
    seen = set()
    for answer in answers(acme, stranger):
        seen.add(answer.status_code)
        assert {name: answer[name] for name in SENT_BY_ALL} == SENT_BY_ALL
        assert not answer.cookies
        assert "Cookie" not in answer.get("Vary", "")
        assert (
            not {"Server", "X-Powered-By", "Via", "ETag"} & answer.headers.keys() or answer["ETag"]
        )
        kind = "problem+json" if answer.status_code >= 400 else "json"
        assert answer.status_code == 204 or answer["Content-Type"] == f"application/{kind}"
        told = answer.content.decode()
        assert [word for word in TALKATIVE if word in told] == []
    assert seen == {200, 201, 204, 400, 401, 403, 404, 405, 412, 413, 414, 415, 428, 431}


@pytest.mark.practice("X-03")
@pytest.mark.parametrize(
    "fault", [RuntimeError, KeyError, ValueError, UnicodeError, RecursionError]
)
def test_a_fault_of_ours_tells_its_number_and_leaves_nobody_bound(acme, monkeypatch, fault, caplog):
    def failing(*args, **kwargs):
        raise fault("canary in the fault")

    caplog.set_level(logging.CRITICAL, "saas.faults")
    for place in ("apps.customers.services.create_customer", "saas.audit.chain.append"):
        with monkeypatch.context() as patch:
            patch.setattr(place, failing)
            answer = acme.owner.post("customers", {"name": "x", "country": "DE"})
        assert answer.status_code == 500
        assert answer.json().keys() == {"type", "title", "status", "detail", "instance", "code"}
        assert "canary" not in answer.content.decode()
        with pytest.raises(RuntimeError):
            bound_tenant()
    assert not acme.owner.get("customers").json()["results"]


@pytest.mark.practice("X-17")
def test_what_a_caller_says_of_themselves_changes_nothing(acme, caplog):
    caplog.set_level("INFO", "saas.access")
    for _ in range(3):
        customer(acme)
    for path in ("me", "organization", "members", "customers?page_size=1"):
        plain = comparable(acme.viewer.get(path))
        for name, value in SPOOFS.items():
            caplog.clear()
            assert comparable(acme.viewer.get(path, **{name: value})) == plain, name
            (line,) = [r.getMessage() for r in caplog.records if r.name == "saas.access"]
            assert json.loads(line)["ip"] == "127.0.0.1"
            assert "forged" not in line
            assert "\n" not in line
    made = acme.owner.post("customers", {"name": "x", "country": "DE"}, **SPOOFS)
    assert made["Location"].startswith(f"{live.SAAS_ORIGIN}/api/v1/customers/")


@pytest.mark.practice("TRANS-02")
def test_nobody_but_a_trusted_proxy_turns_clear_text_into_https():
    for name in (
        "X-Forwarded-Proto",
        "X-Forwarded-Ssl",
        "X-Url-Scheme",
        "Front-End-Https",
        "HTTPS",
    ):
        answer = Client().get("/api/v1/me", headers={name: "https"}, secure=False)
        assert answer.status_code == 301
        assert answer["Location"] == f"{live.SAAS_ORIGIN}/api/v1/me"
    for path in (
        "//elsewhere.example/",
        "/%0d%0aX-Injected:1",
        "/\\elsewhere.example",
        "/@elsewhere",
    ):
        answer = Client().get(path, secure=False)
        assert answer["Location"].startswith(f"{live.SAAS_ORIGIN}/")
        assert "X-Injected" not in answer.headers


@pytest.mark.practice("TRANS-10")
@pytest.mark.parametrize("path", ["me", "customers", f"customers/{ABSENT}"])
def test_no_path_looks_like_a_file_that_a_cache_would_keep(acme, path):
    tails = [".css", ".js", ".json", "/x.css", "/.css", ";x.css", "%2fx.css", "%00.css", "%23.css"]
    tails += ["/", "//", "/..", "/../me.css", "%3fx.css", "\\x.css", "~", ".html", "%20", "%0a"]
    for tail in tails:
        answer = acme.owner.get(path + tail)
        assert answer.status_code == 404, tail
        assert answer["Cache-Control"] == "no-store"
    assert acme.owner.get(f"{path}?x.css").status_code == 400


@pytest.mark.practice("TRANS-09")
@pytest.mark.parametrize(
    "origin", ["https://elsewhere.example", "null", "http://[", "*", "file://"]
)
def test_no_foreign_page_may_read_an_answer(acme, origin):
    asked = {"Origin": origin, "Access-Control-Request-Method": "DELETE"}
    preflight = call(Client(), "OPTIONS", "customers", **asked)
    read = acme.owner.get("customers", Origin=origin)
    for answer in (preflight, read):
        assert not [name for name in answer.headers if name.startswith("Access-Control-")]


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.method == "DELETE"], ids=str)
def test_a_delete_or_a_get_with_a_body_is_two_requests_in_one(operation, acme):
    shot = aim(operation, acme)
    for method in ("DELETE", "GET"):
        if method == "DELETE" or "{id}" in operation.path:
            answer = acme.owner.call(method, shot.path, {"name": "smuggled"})
            assert answer.status_code == 400
    assert shot.by(acme.owner).status_code == 204
