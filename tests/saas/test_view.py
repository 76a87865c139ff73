"""The spine: the first failing check answers, in the order of the contract, and a refusal leaves
nothing behind.
"""

import secrets
from typing import Any

import pytest
from django.db import transaction

from config.settings.security import Rate
from saas.authentication.keys import mint
from saas.authorization.operations import Allow
from saas.persistence.models import IdempotencyRecord
from saas.tenancy.binding import bind
from saas.view import SecureViewSet
from tests.saas.audit.trails import entries
from tests.saas.walls import write
from tests.saas.wire import NOBODY, NOTES, refused, send, statements
from tests.toy import services
from tests.toy.access import Notes
from tests.toy.models import Note
from tests.toy.views import CopyViewSet, NoteViewSet

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHZ-01")]


@pytest.mark.practice("X-03")
def test_the_first_failing_check_answers(acme, settings):
    """One request with every fault there is; each step mends the one that was named."""
    reply = write(acme, parent=write(acme))
    used = "used-0123456789abcdef"
    copies = f"{NOTES}/{reply.parent_id}/copies"
    assert send("POST", copies, key=acme.owner.secret, headers={"Idempotency-Key": used})
    too_few = acme.owner.with_scopes(Notes.READ)
    open_rates = settings.RATES
    address = f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1"  # nobody has used it
    request: dict[str, Any] = {
        "method": "PUT",
        "path": "/api/v1/nothing?token=x&nonsense=1",
        "body": b"{nonsense",
        "content_type": "text/plain",
        "secure": False,
        "headers": {"X-API-Key": mint().secret, "Authorization": "Bearer x"},
        "CONTENT_LENGTH": "999999",
        "REMOTE_ADDR": address,
    }

    def answers(status, code, **mended):
        request.update(mended)
        answer = send(**request)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content

    def limited(**low):
        settings.RATES = open_rates | {name: Rate(limit, 3600) for name, limit in low.items()}

    limited(network=1)
    send("GET", REMOTE_ADDR=address)
    answers(403, "https-required")
    answers(400, "credential-in-url", secure=True)
    answers(400, "multiple-credentials", path="/api/v1/nothing?nonsense=1")
    answers(404, "not-found", headers={"X-API-Key": mint().secret})
    answers(405, "method-not-allowed", path=f"{NOBODY}/copies?nonsense=1")
    answers(413, "body-too-large", method="POST")
    request.pop("CONTENT_LENGTH")
    answers(415, "unsupported-media-type")
    answers(429, "rate-limited", content_type="application/json")
    limited(principal=1)
    send("GET", key=too_few.secret)
    answers(401, "invalid-token")
    answers(429, "rate-limited", headers={"X-API-Key": too_few.secret})
    limited()
    answers(403, "insufficient-scope")
    answers(403, "permission-denied", headers={"X-API-Key": acme.viewer.secret})
    key = {"X-API-Key": acme.owner.secret}
    answers(400, "invalid-request", headers=key)  # JSON
    answers(400, "invalid-request", body=b'{"x": 1}')  # query and fields
    answers(400, "invalid-request", path=f"{NOBODY}/copies")  # fields
    answers(400, "invalid-request", body=b"{}")  # Idempotency-Key
    answers(422, "idempotency-mismatch", headers=key | {"Idempotency-Key": used})
    answers(404, "not-found", headers=key | {"Idempotency-Key": "new-0123456789abcdef"})
    answers(403, "permission-denied", path=f"{NOTES}/{reply.pk}/copies")  # condition
    patching = {"method": "PATCH", "body": b'{"title": "x", "body": "y"}'}
    clerk = {"X-API-Key": acme.clerk.secret}
    answers(404, "not-found", path=NOBODY, headers=clerk, **patching)
    answers(403, "guarded-field", path=f"{NOTES}/{reply.pk}")
    answers(428, "precondition-required", headers=key)
    answers(412, "precondition-failed", headers=key | {"If-Match": '"9-00000000"'})


def left_behind(tenant):
    """Notes, idempotency records and acts in the trail."""
    with bind(tenant.id):
        acts = [e.event for e in entries(tenant) if e.event.startswith("note.")]
        return Note.objects.count(), IdempotencyRecord.objects.count(), acts


def test_a_refusal_leaves_nothing_but_its_own_record(committed):
    from tests.cast import make_tenant

    acme = make_tenant("Acme")
    reply = write(acme, parent=write(acme))
    headers = {"Idempotency-Key": "0123456789abcdef"}
    before = left_behind(acme)
    acme.owner.post(f"notes/{reply.pk}/copies", **headers)
    acme.owner.patch(f"notes/{reply.pk}", {"title": "x"})
    acme.viewer.delete(f"notes/{reply.pk}")
    acme.owner.post("notes", {"title": "x", "parent": NOBODY.rsplit("/", 1)[1]})
    assert left_behind(acme) == before
    assert [e.event for e in entries(acme)][-2:] == ["request.refused", "request.refused"]


def test_the_act_its_entry_and_its_record_are_one_transaction(committed, monkeypatch):
    from tests.cast import make_tenant

    acme = make_tenant("Acme")
    note = write(acme)
    inside = []
    real = services.copy_note

    def seen(*arguments):
        inside.append(len(transaction.get_connection().atomic_blocks))
        return real(*arguments)

    monkeypatch.setattr(services, "copy_note", seen)
    answer = acme.owner.post(f"notes/{note.pk}/copies", Idempotency_Key="0123456789abcdef")
    assert answer.status_code == 201
    assert inside
    assert inside[0] >= 1
    assert left_behind(acme) == (2, 1, ["note.copied"])


@pytest.mark.usefixtures("undocumented")
def test_a_view_that_says_nothing_shows_nothing(acme, monkeypatch):
    note = write(acme)
    monkeypatch.setattr(NoteViewSet, "rows", SecureViewSet.rows)
    refused(acme.owner.get(f"notes/{note.pk}"), 404, "not-found")
    monkeypatch.setattr(NoteViewSet, "operations", {})
    refused(acme.owner.get("notes"), 403, "permission-denied")
    assert SecureViewSet.operations == {}


def test_an_operation_is_read_write_or_what_it_declares(monkeypatch, acme):
    answer = acme.owner.get("notes")
    assert '"read"' in answer["RateLimit-Policy"]
    assert '"write"' in acme.owner.post("notes", {"title": "x"})["RateLimit-Policy"]
    note = write(acme)
    copied = acme.owner.post(f"notes/{note.pk}/copies", Idempotency_Key="0123456789abcdef")
    assert '"sensitive"' in copied["RateLimit-Policy"]
    declared = {
        "create": Allow(Notes.WRITE, rate="read", event=CopyViewSet.operations["create"].event)
    }
    monkeypatch.setattr(CopyViewSet, "operations", declared)
    assert '"read"' in acme.owner.post(f"notes/{note.pk}/copies")["RateLimit-Policy"]


def test_what_was_made_says_where_it_is_on_the_configured_origin(acme, settings):
    made = acme.owner.post("notes", {"title": "x"}, Host="localhost")
    assert made["Location"] == f"{settings.SAAS_ORIGIN}{NOTES}/{made.json()['id']}"
    assert acme.owner.get(made["Location"]).json() == made.json()
    gone = acme.owner.delete(f"notes/{made.json()['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    refused(acme.owner.get(made["Location"]), 404, "not-found")


def test_a_refused_stranger_never_reaches_a_row(acme):
    with statements() as sent:
        refused(send("GET", key="guess"), 401, "invalid-token")
        refused(send("PUT", key=acme.owner.secret), 405, "method-not-allowed")
    assert not [sql for sql in sent if "toy_note" in sql]


def test_two_requests_at_once_share_nothing(acme, globex):
    """A view object serves one request; what one proved is not there for the next."""
    assert acme.owner.get("notes").status_code == 200
    refused(send("GET"), 401, "invalid-token")
    assert globex.owner.post("notes", {"title": "x"}).status_code == 201
    assert acme.owner.get("notes").json()["results"] == []
