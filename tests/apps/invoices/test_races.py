"""What two callers at once can do to one draft: transactions that really commit."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.test import Client

from apps.invoices.services import draft_invoice
from saas.audit import trail
from saas.tenancy.binding import bind
from tests.apps.invoices.drafts import LINE, body, drafted, new_customer, post, rows_of, tag_of
from tests.cast import KEY, Member, make_tenant
from tests.races import at_once

pytestmark = [pytest.mark.core]

WRITERS = 6


@pytest.fixture
def acme(committed):
    """Acme in a database of its own."""
    return make_tenant("Acme")


@pytest.fixture
def customer(acme):
    """A customer there."""
    return new_customer(acme)


def twin(member):
    """The same key in another client."""
    return Member(
        member.organization,
        member.user,
        member.role,
        member.secret,
        member.key,
        Client(raise_request_exception=False),
    )


@pytest.mark.practice("X-02")
def test_of_two_writers_one_wins_and_nothing_is_lost(acme, customer):
    draft = drafted(acme.owner, customer)
    tag = tag_of(acme.owner, draft)

    def write(number):
        return lambda: twin(acme.owner).patch(
            f"invoices/{draft['id']}",
            {"note": f"by {number}", "lines": [LINE] * number},
            If_Match=tag,
        )

    answers = at_once(*[write(number) for number in range(1, WRITERS + 1)])
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * (WRITERS - 1)
    [won] = [answer.json() for answer in answers if answer.status_code == 200]
    assert acme.owner.get(f"invoices/{draft['id']}").json() == won
    assert [row["version"] for row in rows_of(acme)] == [2]


@pytest.mark.practice("X-01")
def test_of_equal_requests_at_once_one_makes_the_draft(acme, customer):
    asked = body(customer)
    answers = at_once(*[lambda: post(twin(acme.owner), asked, KEY)] * WRITERS)
    assert [answer.status_code for answer in answers] == [201] * WRITERS
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == WRITERS - 1
    assert len(rows_of(acme)) == 1


def test_a_customer_is_not_deleted_while_their_first_invoice_is_written(acme, customer):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time, so there is nothing to wait for")

    def delete():
        return at_once(*[lambda: twin(acme.owner).delete(f"customers/{customer}")])[0]

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic(), bind(acme.id), trail.recording():
            draft_invoice(acme.owner.actor, customer=customer, currency="EUR", lines=[])
            deleting = pool.submit(delete)
            with pytest.raises(TimeoutError):
                deleting.result(timeout=0.5)
        assert deleting.result().status_code == 409
    assert len(rows_of(acme)) == 1
