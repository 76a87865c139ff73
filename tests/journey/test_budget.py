"""What one request may cost: its statements, what binds and ends its transaction, its trips to Redis.

The figures do not move with the size of a page or the number of lines: whatever does, is a loop.
"""

from unittest.mock import patch

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from redis.connection import Connection

from saas.authentication import keys
from tests.apps.invoices.drafts import body, drafted, new_customer
from tests.cast import make_tenant
from tests.saas.wire import on_postgresql, send

pytestmark = on_postgresql
# The key and the membership are two statements, and each is preceded by the one that lets it be read.
PROVED = 4
LIST, DETAIL, POST, REPLAY = PROVED + 1, PROVED + 2, PROVED + 6, PROVED + 3
BOUNDS = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


@pytest.fixture
def acme(committed):
    """Acme, where transactions end as they do for a customer."""
    return make_tenant("Acme")


@pytest.fixture
def customer(acme):
    """Whom the invoices are for."""
    return new_customer(acme)


def cost(call):
    """Statements, bounds of the transaction, and Redis trips of a call; and its answer."""
    forward = Connection.send_packed_command
    with (
        CaptureQueriesContext(connection) as sent,
        patch.object(
            Connection, "send_packed_command", autospec=True, side_effect=forward
        ) as trips,
    ):
        answer = call()
    bounds = [entry["sql"] for entry in sent if entry["sql"].startswith(BOUNDS)]
    return (len(sent) - len(bounds), len(bounds), trips.call_count), answer


def warm(acme):
    """The first request notes that its key was used and loads the counters' script; no later one does."""
    assert acme.owner.get("me").status_code == 200


def test_a_list_costs_the_same_for_one_row_as_for_a_hundred(acme, customer):
    warm(acme)
    drafted(acme.owner, customer)
    few, _ = cost(lambda: acme.owner.get("invoices"))
    for _ in range(30):
        drafted(acme.owner, customer)
    many, answer = cost(lambda: acme.owner.get("invoices?page_size=100"))
    assert len(answer.json()["results"]) == 31
    assert few == many == (LIST, 2, 1)


def test_a_detail_costs_the_same_for_one_line_as_for_sixty(acme, customer):
    warm(acme)
    line = body(customer)["lines"][0]
    few = drafted(acme.owner, customer)["id"]
    many = drafted(acme.owner, customer, lines=[line] * 60)["id"]
    for id in (few, many):
        assert cost(lambda id=id: acme.owner.get(f"invoices/{id}"))[0] == (DETAIL, 2, 1)


def test_a_post_costs_the_same_for_one_line_as_for_sixty_and_a_repeat_less(acme, customer):
    warm(acme)
    line = body(customer)["lines"][0]
    drafted(acme.owner, customer)  # reads the key that seals the buyer
    for lines in (1, 60):
        sent = body(customer, lines=[line] * lines)
        key = f"a-post-of-{lines}-lines-and-its-repeat"
        made, answer = cost(lambda s=sent, k=key: acme.owner.post("invoices", s, Idempotency_Key=k))
        assert answer.status_code == 201, answer.content
        assert made == (POST, 2, 1)
        again, answer = cost(
            lambda s=sent, k=key: acme.owner.post("invoices", s, Idempotency_Key=k)
        )
        assert answer["Idempotency-Replayed"] == "true"
        assert again[0] == REPLAY
        assert again[1:] == (2, 1)


def test_what_cannot_be_a_key_costs_no_statement_and_a_wrong_one_a_single_look(acme):
    warm(acme)
    malformed, answer = cost(lambda: send("GET", "/api/v1/invoices", key="sr_live_guess"))
    assert answer.status_code == 401
    assert (malformed[0], malformed[2]) == (0, 1)
    unknown = keys.mint().secret
    looked_up, answer = cost(lambda: send("GET", "/api/v1/invoices", key=unknown))
    assert answer.status_code == 401
    assert (looked_up[0], looked_up[2]) == (2, 1)
