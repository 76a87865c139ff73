"""One line of JSON for each request, the refused ones too, and no value that a caller sent."""

import re
import uuid

import pytest

from saas.edge import log
from tests.saas.wire import NOTES, send

pytestmark = [pytest.mark.core, pytest.mark.django_db, pytest.mark.practice("LOG-01")]

FIELDS = {
    "ts", "request_id", "trace_id", "ip", "user_id", "principal", "org", "credential_id",
    "auth_method", "operation_id", "route", "method", "status", "duration_ms", "bytes_in",
    "bytes_out", "object_ids", "disclosed", "exposed_parameters", "decision", "events",
}  # fmt: skip
CANARY = "canary-6fd1c2"


def test_a_line_says_who_what_when_from_where_and_how_it_ended(acme, lines):
    body = b'{"title": "x", "body": "y"}'
    made = send("POST", body=body, key=acme.owner.secret, REMOTE_ADDR="203.0.113.9")
    (line,) = lines
    assert line.keys() == FIELDS
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("ts"))
    assert 0 < line.pop("duration_ms") < 60_000
    assert line == {
        "request_id": made["X-Request-Id"],
        "trace_id": made["X-Request-Id"].replace("-", ""),
        "ip": "203.0.113.9",
        "user_id": str(acme.owner.user.pk),
        "principal": str(acme.owner.key.pk),
        "org": str(acme.id),
        "credential_id": str(acme.owner.key.pk),
        "auth_method": "api-key",
        "operation_id": "notes.create",
        "route": "api/v1/notes",
        "method": "POST",
        "status": 201,
        "bytes_in": len(body),
        "bytes_out": len(made.content),
        "object_ids": [made.json()["id"]],
        "disclosed": ["body"],
        "exposed_parameters": [],
        "decision": "allow",
        "events": [],
    }


def test_who_listens_is_given_each_line_as_it_was_written(acme, lines, monkeypatch):
    heard = []
    monkeypatch.setattr(log, "LISTENERS", [heard.append])
    acme.owner.get("notes")
    acme.owner.get("nothing-here")
    assert heard == lines
    assert [line["status"] for line in heard] == [200, 404]


def test_reading_names_the_rows_that_were_read(acme, lines):
    ids = [acme.owner.post("notes", {"title": str(n)}).json()["id"] for n in range(3)]
    acme.owner.get(f"notes/{ids[0]}")
    acme.viewer.get("notes")
    assert [line["object_ids"] for line in lines[3:]] == [ids[:1], ids[::-1]]
    assert lines[3]["route"] == "api/v1/notes/<uuid:id>"
    assert lines[4]["disclosed"] == []


def refusals(acme):
    """Requests that end at every door: what the log must call each, and the request."""
    key = acme.owner.secret
    yield "https-required", lambda: send("POST", secure=False)
    yield "uri-too-long", lambda: send("GET", "/" + CANARY * 500)
    yield "headers-too-large", lambda: send("GET", headers={"X-A": CANARY * 1500})
    yield "invalid-request", lambda: send("GET", headers={"Host": f"{CANARY}.example"})
    yield "credential-in-url", lambda: send("GET", f"{NOTES}?password={CANARY}")
    yield "multiple-credentials", lambda: send("GET", headers={"X-API-Key": f"{CANARY},b"})
    yield "not-found", lambda: send("GET", f"/api/v1/{CANARY}")
    yield "unknown-version", lambda: send("GET", f"/api/v9/{CANARY}")
    yield "method-not-allowed", lambda: send(CANARY.upper())
    yield "body-too-large", lambda: send("POST", CONTENT_LENGTH="9" * 30)
    yield "unsupported-media-type", lambda: send("POST", body=b"x", content_type=CANARY)
    yield "invalid-token", lambda: send("GET", headers={"Authorization": f"Bearer {CANARY}"})
    yield "invalid-token", lambda: send("GET", key=CANARY)
    yield "insufficient-scope", lambda: acme.owner.with_scopes().get("notes")
    yield "permission-denied", lambda: acme.viewer.post("notes", {"title": CANARY})
    yield "guarded-field", lambda: acme.clerk.post("notes", {"title": CANARY, "body": CANARY})
    yield "invalid-request", lambda: acme.owner.post("notes", {CANARY: CANARY})
    yield "invalid-request", lambda: send("GET", f"{NOTES}?{CANARY}={CANARY}", key=key)
    yield "invalid-request", lambda: send("GET", f"{NOTES}?cursor={CANARY}", key=key)
    yield "not-found", lambda: acme.owner.get("notes/00000000-0000-7000-8000-000000000000")


@pytest.mark.practice("LOG-02")
def test_every_refusal_leaves_a_line_and_no_line_holds_what_was_sent(acme, lines):
    for decision, ask in refusals(acme):
        lines.clear()
        answer = ask()
        (line,) = lines
        assert line.keys() == FIELDS
        assert (line["decision"], line["status"]) == (decision, answer.status_code)
        assert line["request_id"] == answer["X-Request-Id"]
        assert CANARY not in str(line).lower()


@pytest.mark.practice("LOG-02")
def test_no_header_cookie_query_or_body_of_a_good_request_reaches_the_log(acme, lines):
    names = """
        User-Agent Referer Cookie Origin Accept X-Forwarded-For X-Request-Id Traceparent
        X-HTTP-Method-Override
    """
    headers = dict.fromkeys(names.split(), CANARY)
    made = send("POST", body=b'{"title": "%s"}' % CANARY.encode(), key=acme.owner.secret,
                headers=headers)  # fmt: skip
    assert made.status_code == 201
    send("GET", f"{NOTES}?title={CANARY}", key=acme.owner.secret, headers=headers)
    assert [line["decision"] for line in lines] == ["allow", "allow"]
    assert CANARY not in str(lines)
    assert acme.owner.secret not in str(lines)


@pytest.mark.practice("X-03")
def test_a_fault_leaves_its_line_and_its_stack_in_our_log_only(acme, lines, monkeypatch, caplog):
    from tests.toy.views import NoteViewSet

    def break_down(_):
        raise RuntimeError(CANARY)

    monkeypatch.setattr(NoteViewSet, "rows", break_down)
    answer = acme.owner.get("notes")
    assert (lines[0]["status"], lines[0]["decision"]) == (500, "internal-error")
    assert CANARY not in str(lines) + answer.content.decode()
    assert CANARY in caplog.text


@pytest.mark.practice("LOG-15")
def test_a_request_id_that_is_a_uuid_is_kept_and_everything_else_replaced(lines):
    kept = str(uuid.uuid4())
    assert send("GET", headers={"X-Request-Id": kept})["X-Request-Id"] == kept
    assert send("GET", headers={"X-Request-Id": kept.upper()})["X-Request-Id"] == kept
    forged = ["", "1", kept + "x", f"{{{kept}}}", kept.replace("-", ""), "a" * 36, "é" * 36,
              f'{kept[:-1]}"', f"{kept}\\n", "urn:uuid:" + kept]  # fmt: skip
    for text in forged:
        given = send("GET", headers={"X-Request-Id": text})["X-Request-Id"]
        assert uuid.UUID(given).version == 4
        assert given != kept
    assert len({line["request_id"] for line in lines}) == 1 + len(forged)


@pytest.mark.practice("LOG-15")
def test_a_trace_goes_on_when_it_has_the_form_of_the_standard(lines):
    trace = "0af7651916cd43dd8448eb211c80319c"
    send("GET", headers={"Traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    send("GET", headers={"Traceparent": f"00-{trace}-b7ad6b7169203331-01-{CANARY}"})
    assert [line["trace_id"] == trace for line in lines] == [True, False]


def test_many_requests_leave_as_many_lines(lines):
    for _ in range(50):
        send("GET", "/nothing")
    assert len(lines) == 50


def test_a_length_that_nobody_could_send_is_logged_as_nothing(lines):
    for length in ("9" * 5000, "-1", "CANARY"):
        send("GET", CONTENT_LENGTH=length)
    assert [line["bytes_in"] for line in lines] == [0, 0, 0]
