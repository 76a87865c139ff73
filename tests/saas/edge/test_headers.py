"""Every kind of answer carries the same headers, the refusals above all."""

import pytest

from saas.edge import gate
from tests.saas.wire import NOTES, send
from tests.toy.views import NoteViewSet

pytestmark = [pytest.mark.core, pytest.mark.django_db]

EXACT = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
PER_ANSWER = {"Allow", "API-Version", "Content-Type", "X-Request-Id", "Vary"}
RATES = {"RateLimit", "RateLimit-Policy"}


def answers(acme):
    """One answer of each kind: its status, the headers of its own, and the answer."""
    key = acme.owner.secret
    yield 201, RATES | {"ETag", "Location"}, acme.owner.post("notes", {"title": "x"})
    yield 200, RATES, send("GET", key=key)
    yield 400, RATES, send("GET", f"{NOTES}?nonsense=1", key=key)
    yield 400, set(), send("GET", f"{NOTES}?token=x")
    yield 400, set(), send("GET", headers={"Host": "evil.example"})
    yield 401, {"WWW-Authenticate"}, send("GET")
    yield 403, RATES | {"WWW-Authenticate"}, acme.owner.with_scopes().get("notes")
    yield 404, RATES, send("GET", f"{NOTES}/00000000-0000-7000-8000-000000000000", key=key)
    yield 404, set(), send("GET", "/api/v1/nothing", key=key)
    yield 404, set(), send("GET", "/api/v9/notes", key=key)
    yield 404, set(), send("GET", "/nothing")
    yield 405, set(), send("PUT", key=key)
    yield 413, set(), send("POST", key=key, CONTENT_LENGTH="999999")
    yield 414, set(), send("GET", "/" + "a" * 5000)
    yield 415, {"Accept"}, send("POST", body=b"x", key=key, content_type="text/plain")
    yield 431, set(), send("GET", headers={"X-Filler": "a" * 17_000})


@pytest.mark.practice("TRANS-03")
@pytest.mark.practice("TRANS-07")
@pytest.mark.practice("TRANS-08")
@pytest.mark.practice("TRANS-09")
@pytest.mark.practice("TRANS-10")
@pytest.mark.practice("AUTHN-01")
@pytest.mark.practice("VERS-01")
def test_every_kind_of_answer_has_exactly_these_headers(acme):
    for status, own, answer in answers(acme):
        assert answer.status_code == status, (status, answer.content)
        assert {name: answer.get(name) for name in EXACT} == EXACT, status
        assert set(answer.headers) - EXACT.keys() - PER_ANSWER == own, status
        assert "cookie" not in answer.get("Vary", "").lower()
        assert not answer.cookies
        assert ("API-Version" in answer) == answer.request["PATH_INFO"].startswith("/api/")
        assert answer["Content-Type"] in {"application/json", "application/problem+json"}


@pytest.mark.practice("TRANS-03")
@pytest.mark.practice("X-03")
@pytest.mark.parametrize(
    ("place", "name"),
    [(NoteViewSet, "rows"), (NoteViewSet, "dispatch"), (gate, "refuse_two_credentials")],
)
def test_a_fault_of_ours_answers_with_them_too_and_says_nothing(acme, monkeypatch, place, name):
    def break_down(*_, **__):
        raise RuntimeError("CANARY at /srv/app/line 42")

    monkeypatch.setattr(place, name, break_down)
    answer = send("GET", key=acme.owner.secret)
    assert {header: answer.get(header) for header in EXACT} == EXACT
    document = answer.json()
    assert document.keys() == {"type", "title", "status", "detail", "instance", "code"}
    assert (answer.status_code, document["code"]) == (500, "internal-error")
    assert document["detail"] == "Something went wrong here."
    assert document["instance"] == f"urn:uuid:{answer['X-Request-Id']}"
    assert b"CANARY" not in answer.content + str(answer.headers).encode()


@pytest.mark.practice("TRANS-03")
def test_preload_is_a_knob(settings):
    settings.SECURE_HSTS_PRELOAD = True
    assert send("GET")["Strict-Transport-Security"].endswith("; includeSubDomains; preload")


@pytest.mark.practice("TRANS-03")
def test_hsts_is_never_said_in_clear(settings):
    settings.SAAS_REQUIRE_HTTPS = False
    assert "Strict-Transport-Security" not in send("GET", secure=False)


@pytest.mark.practice("TRANS-09")
def test_another_origin_reads_nothing_unless_it_is_on_the_list(acme, settings):
    settings.CORS_ALLOWED_ORIGINS = ["https://console.example"]
    preflight = {"Access-Control-Request-Method": "GET", "Origin": "https://evil.example"}
    answer = send("OPTIONS", headers=preflight)
    assert not [name for name in answer.headers if name.startswith("Access-Control")]
    friend = preflight | {"Origin": "https://console.example"}
    assert send("OPTIONS", headers=friend)["Access-Control-Allow-Origin"] == friend["Origin"]
    read = send("GET", key=acme.owner.secret, headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in read
    assert "Access-Control-Allow-Credentials" not in send("OPTIONS", headers=friend)


@pytest.mark.practice("TRANS-10")
@pytest.mark.parametrize(
    "tail",
    [".css", ".js", ";x.js", "/x.css", "/", "%2ecss", "%00.css", "%3b.js", "//", "/.", "%0a"],
)
def test_a_path_that_would_fool_a_cache_does_not_exist(acme, tail):
    for path in (NOTES, f"{NOTES}/{acme.owner.post('notes', {'title': 'x'}).json()['id']}"):
        answer = send("GET", path + tail, key=acme.owner.secret)
        assert answer.status_code == 404, answer.content
        assert answer["Cache-Control"] == "no-store"
