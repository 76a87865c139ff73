"""A request that is sent twice has one effect, and its record commits with it or not at all."""

import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from saas.persistence.idempotency import fingerprint, read_key
from saas.persistence.models import IdempotencyRecord
from saas.tenancy.binding import bind
from tests.cast import make_tenant
from tests.saas.walls import write
from tests.saas.wire import on_postgresql, refused
from tests.toy import services
from tests.toy.models import Note

pytestmark = [pytest.mark.core, pytest.mark.practice("X-01")]

KEY = "0123456789abcdef"


def copy(member, note, key=KEY, body=None):
    """Ask for a copy of `note`."""
    headers = {} if key is None else {"Idempotency-Key": key}
    return member.post(f"notes/{note.pk}/copies", body, **headers)


def count(tenant):
    """How many notes there are."""
    with bind(tenant.id):
        return Note.objects.count()


def test_without_a_key_or_with_a_bad_one_nothing_happens(acme):
    note = write(acme)
    for key in (None, "", "short", "a" * 15, "a" * 256, "key with spaces in", '"' + KEY, "é" * 20):
        document = refused(copy(acme.owner, note, key), 400, "invalid-request")
        assert document["errors"][0]["parameter"] == "Idempotency-Key"
    assert count(acme) == 1


def test_the_same_request_again_is_answered_from_the_first_one(acme):
    note = write(acme)
    first, again = copy(acme.owner, note), copy(acme.owner, note)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert (first["Location"], first["ETag"]) == (again["Location"], again["ETag"])
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert copy(acme.owner, note, f'"{KEY}"')["Idempotency-Replayed"] == "true"
    assert count(acme) == 2


def test_a_repeat_is_rendered_for_todays_reader_and_not_kept_as_text(acme):
    note = write(acme, body="private")
    assert copy(acme.owner, note).json()["body"] == "private"
    from tests.saas.tenancy.test_entrance import with_role

    with_role(acme.owner, "clerk")
    again = copy(acme.owner, note)
    assert again["Idempotency-Replayed"] == "true"
    assert "body" not in again.json()
    with bind(acme.id):
        record = IdempotencyRecord.objects.get()
        assert "private" not in str(record.__dict__)


def test_the_same_key_for_another_body_or_path_is_refused(acme):
    note, other = write(acme), write(acme)
    assert copy(acme.owner, note).status_code == 201
    refused(copy(acme.owner, other), 422, "idempotency-mismatch")
    refused(copy(acme.owner, note, body=b"{ }"), 422, "idempotency-mismatch")
    assert count(acme) == 3


def test_a_key_belongs_to_one_principal_in_one_organization(acme, globex):
    ours, theirs = write(acme), write(globex)
    three = ((acme.owner, ours), (acme.admin, ours), (globex.owner, theirs))
    first = [copy(member, note) for member, note in three]
    again = [copy(member, note) for member, note in three]
    assert [answer.status_code for answer in first + again] == [201] * 6
    assert not [answer for answer in first if "Idempotency-Replayed" in answer]
    assert [answer.json() for answer in again] == [answer.json() for answer in first]
    assert len({answer.json()["id"] for answer in first}) == 3


def test_a_failure_is_not_kept_and_can_be_tried_again(acme, monkeypatch):
    note = write(acme)

    def fails(*_):
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(services, "copy_note", fails)
        assert copy(acme.owner, note).status_code == 500
    assert copy(acme.owner, note).status_code == 201
    reply = write(acme, parent=note)
    for _ in range(2):  # a refusal of the row is no success either
        refused(copy(acme.owner, reply, "f" * 16), 403, "permission-denied")
    assert count(acme) == 3


def test_after_a_day_a_key_is_new_again(acme):
    note = write(acme)
    copy(acme.owner, note)
    with bind(acme.id):
        record = IdempotencyRecord.objects.get()
        assert abs(record.expires_at - timezone.now() - timedelta(hours=24)) < timedelta(minutes=1)
        IdempotencyRecord.objects.update(expires_at=timezone.now())
    assert "Idempotency-Replayed" not in copy(acme.owner, note)
    assert copy(acme.owner, note)["Idempotency-Replayed"] == "true"
    assert count(acme) == 3


def test_where_it_is_not_asked_for_the_key_is_ignored(acme):
    for _ in range(2):
        assert (
            acme.owner.post("notes", {"title": "x"}, **{"Idempotency-Key": KEY}).status_code == 201
        )
    assert count(acme) == 2


@on_postgresql
def test_many_equal_requests_at_once_have_one_effect(committed):
    acme = make_tenant("Acme")
    note = write(acme)
    start, answers = threading.Barrier(8), []

    def call():
        start.wait()
        answers.append(copy(acme.owner, note))
        connections.close_all()

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert sum("Idempotency-Replayed" not in a for a in answers if a.status_code == 201) == 1
    assert count(acme) == 2


def test_the_form_of_a_key_and_what_makes_two_requests_equal():
    assert read_key('"abcdefghijklmnop"') == read_key("abcdefghijklmnop")
    marks = {fingerprint(*parts) for parts in (
        ("POST", "/a", b"x"), ("PATCH", "/a", b"x"), ("POST", "/b", b"x"), ("POST", "/a", b"y"),
        ("POST", "/a?b", b"x"), ("POST", "/a", b""))}  # fmt: skip
    assert len(marks) == 6
