"""A draft that is sent twice is made once."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from tests.apps.invoices.drafts import body, in_role, new_customer, patch, pointers, post, rows_of
from tests.cast import KEY

pytestmark = [pytest.mark.core, pytest.mark.practice("X-01")]

REPLAYED = "Idempotency-Replayed"


def test_the_same_request_again_gives_the_same_row(acme, customer):
    first = post(acme.clerk, body(customer), KEY)
    again = post(acme.clerk, body(customer), KEY)
    assert first.status_code == again.status_code == 201
    assert again.json() == first.json()
    assert again["Location"] == first["Location"]
    assert again["ETag"] == first["ETag"]
    assert (REPLAYED in first.headers, again[REPLAYED]) == (False, "true")
    assert len(rows_of(acme)) == 1


def test_the_key_may_be_quoted_as_the_draft_standard_writes_it(acme, customer):
    first = post(acme.clerk, body(customer), f'"{KEY}"')
    assert post(acme.clerk, body(customer), KEY).json() == first.json()


def test_another_body_under_the_same_key_is_refused(acme, customer):
    post(acme.clerk, body(customer), KEY)
    before = rows_of(acme)
    other = post(acme.clerk, body(customer, note="another"), KEY)
    assert other.status_code == 422
    assert other.json()["code"] == "idempotency-mismatch"
    assert rows_of(acme) == before


@pytest.mark.parametrize("headers", [{}, {"Idempotency_Key": "short"}, {"Idempotency_Key": '"x'}])
def test_without_a_proper_key_nothing_is_drafted(acme, customer, headers):
    answer = acme.clerk.post("invoices", body(customer), **headers)
    assert answer.status_code == 400
    assert [error["parameter"] for error in answer.json()["errors"]] == ["Idempotency-Key"]
    assert rows_of(acme) == []


def test_a_key_belongs_to_whom_it_was_sent_by(acme, globex, customer):
    made = [
        post(acme.clerk, body(customer), KEY),
        post(acme.accountant, body(customer), KEY),
        post(acme.clerk.with_scopes("invoices:draft"), body(customer), KEY),
        post(globex.clerk, body(new_customer(globex)), KEY),
    ]
    assert [answer.status_code for answer in made] == [201] * 4
    assert len({answer.json()["id"] for answer in made}) == 4
    assert not any(REPLAYED in answer.headers for answer in made)


def test_what_was_refused_is_tried_anew(acme, customer):
    assert post(acme.clerk, body(customer, lines=[]), KEY).status_code == 400
    foreign = body("00000000-0000-7000-8000-000000000000")
    assert pointers(post(acme.clerk, foreign, KEY)) == {"/customer": "not-found"}
    assert post(acme.clerk, body(customer, internal_note="x"), KEY).status_code == 403
    made = post(acme.clerk, body(customer), KEY)
    assert made.status_code == 201
    assert REPLAYED not in made.headers


def test_a_replay_shows_the_row_as_it_is_today(acme, customer):
    first = post(acme.clerk, body(customer), KEY)
    patch(acme.clerk, first.json(), {"note": "since then"})
    again = post(acme.clerk, body(customer), KEY)
    assert again.status_code == 201
    assert again.json()["note"] == "since then"
    assert again["ETag"] != first["ETag"]


@pytest.mark.practice("AUTHZ-06")
@pytest.mark.practice("AUTHZ-11")
def test_a_replay_shows_less_to_who_may_see_less_by_now(acme, customer):
    asked = body(customer, internal_note="They haggle.")
    first = post(acme.accountant, asked, KEY)
    assert first.json()["internal_note"] == "They haggle."
    again = post(in_role(acme.accountant, "clerk"), asked, KEY)
    assert again.status_code == 201
    assert again[REPLAYED] == "true"
    assert again.json().keys() == first.json().keys() - {"internal_note"}
    assert "haggle" not in again.content.decode()
    assert post(in_role(acme.accountant, "viewer"), asked, KEY).status_code == 403


def test_a_replay_of_what_is_gone_finds_nothing_and_makes_nothing(acme, customer):
    made = post(acme.clerk, body(customer), KEY).json()
    acme.clerk.delete(f"invoices/{made['id']}")
    assert post(acme.clerk, body(customer), KEY).status_code == 404
    assert rows_of(acme) == []


def test_a_day_later_the_key_is_free_again(acme, customer):
    first = post(acme.clerk, body(customer), KEY)
    with time_machine.travel(timezone.now() + timedelta(hours=24, minutes=1)):
        later = post(acme.clerk, body(customer), KEY)
    assert later.status_code == 201
    assert later.json()["id"] != first.json()["id"]
