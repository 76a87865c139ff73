"""What one request may cost: its statements, what binds and ends its transaction, its trips to Redis.

The figures do not move with the size of a page or the number of lines: whatever does, is a loop.
"""

import gc
from unittest.mock import patch

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from redis.connection import Connection

from saas.authentication import keys
from saas.view import SecureViewSet
from tests.apps.invoices.drafts import body, drafted, new_customer
from tests.cast import make_tenant
from tests.saas.wire import on_postgresql, send

pytestmark = on_postgresql
PROVED = 1  # key, tenant and membership, by saas_prove_key
LIST, DETAIL, POST, REPLAY = PROVED + 1, PROVED + 2, PROVED + 4, PROVED + 3
REDIS = 1  # the store is asked once; that the request has left, it is told, and nobody waits for it
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
    forward = Connection.read_response  # a place that is given back waits for no answer
    with (
        CaptureQueriesContext(connection) as sent,
        patch.object(Connection, "read_response", autospec=True, side_effect=forward) as trips,
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
    assert few == many == (LIST, 2, REDIS)


def test_a_detail_costs_the_same_for_one_line_as_for_sixty(acme, customer):
    warm(acme)
    line = body(customer)["lines"][0]
    few = drafted(acme.owner, customer)["id"]
    many = drafted(acme.owner, customer, lines=[line] * 60)["id"]
    for id in (few, many):
        assert cost(lambda id=id: acme.owner.get(f"invoices/{id}"))[0] == (DETAIL, 2, REDIS)


def test_a_post_costs_the_same_for_one_line_as_for_sixty_and_a_repeat_less(acme, customer):
    warm(acme)
    line = body(customer)["lines"][0]
    drafted(acme.owner, customer)  # reads the key that seals the buyer
    for lines in (1, 60):
        sent = body(customer, lines=[line] * lines)
        key = f"a-post-of-{lines}-lines-and-its-repeat"
        made, answer = cost(lambda s=sent, k=key: acme.owner.post("invoices", s, Idempotency_Key=k))
        assert answer.status_code == 201, answer.content
        assert made == (POST, 2, REDIS)
        again, answer = cost(
            lambda s=sent, k=key: acme.owner.post("invoices", s, Idempotency_Key=k)
        )
        assert answer["Idempotency-Replayed"] == "true"
        assert again[0] == REPLAY
        assert again[1:] == (2, REDIS)


def test_what_cannot_be_a_key_costs_no_statement_and_a_wrong_one_two_looks(acme):
    warm(acme)
    send("GET", "/api/v1/invoices", key=keys.mint().secret)
    malformed, answer = cost(lambda: send("GET", "/api/v1/invoices", key="sr_live_guess"))
    assert answer.status_code == 401
    assert (malformed[0], malformed[2]) == (0, 1)
    send("GET", "/api/v1/invoices", key=keys.mint().secret)  # loads the script for guesses
    unknown = keys.mint().secret
    looked_up, answer = cost(lambda: send("GET", "/api/v1/invoices", key=unknown))
    assert answer.status_code == 401
    assert (looked_up[0], looked_up[2]) == (3, 2)  # and whether there ever was such a key


def test_an_answer_leaves_nothing_to_the_collector(acme):
    warm(acme)
    gc.collect()
    before = views()
    gc.disable()
    try:
        assert acme.owner.get("invoices").status_code == 200
        assert views() == before
    finally:
        gc.enable()


def views():
    """Those that are still in memory."""
    return [one for one in gc.get_objects() if issubclass(type(one), SecureViewSet)]
