"""An id sorts by its time and cannot be guessed (RFC 9562 §5.7)."""

import time
import uuid

import pytest

from saas.ids import IdField, uuid7
from tests.saas.wire import refused, send

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHZ-04")]

RANDOM = (1 << 62) - 1


def test_an_id_is_a_uuid_of_version_7_of_this_millisecond():
    before = time.time_ns() // 1_000_000
    made = uuid7()
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000


def test_ids_of_later_milliseconds_sort_later(monkeypatch):
    made = []
    for moment in (1, 10**12, 2**47, 2**48 - 1):
        monkeypatch.setattr("saas.ids.time.time_ns", lambda m=moment: m * 1_000_000)
        made.append(uuid7())
    assert made == sorted(made)
    assert [str(one) for one in made] == sorted(str(one) for one in made)


def test_ten_thousand_ids_share_no_random_bits_and_use_all_of_them():
    made = [uuid7() for _ in range(10_000)]
    tails = {one.int & RANDOM for one in made}
    heads = {one.int >> 64 & 0xFFF for one in made}
    assert len(tails) == 10_000
    assert len(heads) > 3_000  # of 4,096
    ones = [sum(tail >> bit & 1 for tail in tails) for bit in range(62)]
    assert all(4_600 < count < 5_400 for count in ones)


def test_none_predicts_the_next(monkeypatch):
    monkeypatch.setattr("saas.ids.time.time_ns", lambda: 10**18)
    steps = {two.int - one.int for one, two in ((uuid7(), uuid7()) for _ in range(1000))}
    assert len(steps) == 1000


def test_a_key_column_tells_migrations_nothing_but_its_class():
    assert IdField().deconstruct()[1:] == ("saas.ids.IdField", [], {})
    assert IdField(primary_key=False, default=None).primary_key is True


def test_an_integer_or_another_spelling_in_the_path_is_no_id(acme):
    made = acme.owner.post("notes", {"title": "x"}).json()["id"]
    for text in ("1", "0", "-1", made.upper(), made.replace("-", ""), f"{{{made}}}", made[:-1]):
        answer = send("GET", f"/api/v1/notes/{text}", key=acme.owner.secret)
        refused(answer, 404, "not-found")
