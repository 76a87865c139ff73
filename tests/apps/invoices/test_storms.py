"""After a storm of equal, parallel and failing requests the books are asked in SQL, and balance."""

from collections import Counter
from decimal import Decimal

import pytest
from django.db import connection

from saas.audit.chain import first_fault
from saas.tenancy.binding import bind
from tests.apps.invoices.drafts import body, drafted, new_customer, rows_of
from tests.apps.invoices.issued import act, cancel, credit, issue, issued, made, pay, reverse
from tests.apps.invoices.test_races import twin
from tests.cast import KEY, make_tenant
from tests.races import at_once
from tests.saas.walls import in_database

pytestmark = [pytest.mark.core]

SERIES = """
    SELECT number FROM invoices_invoice WHERE number IS NOT NULL
    UNION ALL SELECT number FROM invoices_creditnote
"""
UNBALANCED = """
    SELECT i.id FROM invoices_invoice i WHERE
        round(i.amount_paid, 4) <> round((SELECT coalesce(sum(p.amount), 0) FROM invoices_payment p
            LEFT JOIN invoices_paymentreversal r ON r.payment_id = p.id
            WHERE p.invoice_id = i.id AND r.id IS NULL), 4)
        OR round(i.amount_credited, 4) <> round((SELECT coalesce(sum(n.total), 0)
            FROM invoices_creditnote n WHERE n.invoice_id = i.id), 4)
        OR round(i.amount_paid + i.amount_credited, 4) > round(i.total, 4)
        OR i.amount_paid < 0 OR i.amount_credited < 0
"""
ACTS = """
    SELECT event, count(*) FROM audit_auditentry WHERE event IN
        ('invoice.issued', 'payment.recorded', 'payment.reversed', 'credit-note.issued')
    GROUP BY event
"""
ROWS = """
    SELECT 'invoice.issued', count(*) FROM invoices_invoice WHERE status <> 'draft'
    UNION ALL SELECT 'payment.recorded', count(*) FROM invoices_payment
    UNION ALL SELECT 'payment.reversed', count(*) FROM invoices_paymentreversal
    UNION ALL SELECT 'credit-note.issued', count(*) FROM invoices_creditnote
"""


@pytest.fixture
def acme(committed):
    """Acme in a database of its own."""
    return make_tenant("Acme")


@pytest.fixture
def customer(acme):
    """A customer there."""
    return new_customer(acme)


def assert_books_balance(tenant):
    """What an auditor asks: gaps, repeats, sums, and whether each act is in the trail once."""
    found: dict[str, list[int]] = {}
    for (number,) in in_database(tenant, SERIES):
        series, _, count = number.rpartition("-")
        found.setdefault(series, []).append(int(count))
    for series, counts in found.items():
        assert sorted(counts) == list(range(1, len(counts) + 1)), series
    assert in_database(tenant, UNBALANCED) == []
    acts = {event: count for event, count in in_database(tenant, ROWS) if count}
    assert dict(in_database(tenant, ACTS)) == acts
    with bind(tenant.id):
        assert first_fault() is None


def writers(count):
    """As many as on PostgreSQL; on SQLite, where one writes at a time, an eighth."""
    return count if connection.vendor == "postgresql" else count // 8


def statuses(answers):
    """How many answers there were of each status."""
    return Counter(answer.status_code for answer in answers)


def storm_of_issues(acme, customer, count):
    """`count` issues at once, of which each fourth fails after its number was taken."""
    drafts = [drafted(acme.owner, customer) for _ in range(count)]

    def call(index, draft):
        member = twin(acme.owner)
        fail = index % 4 == 0

        def refuse(execute, sql, params, many, context):
            if "INSERT INTO" in sql and "audit_auditentry" in sql:
                raise RuntimeError("the trail is full")
            return execute(sql, params, many, context)

        def issuing():
            if not fail:
                return act(member, f"{draft['id']}/issuance")
            with connection.execute_wrapper(refuse):
                return act(member, f"{draft['id']}/issuance")

        return issuing

    return at_once(*[call(index, draft) for index, draft in enumerate(drafts)])


@pytest.mark.practice("X-19")
def test_parallel_issues_of_which_some_fail_leave_no_gap_and_no_repeat(acme, customer):
    count = writers(64)
    answers = storm_of_issues(acme, customer, count)
    found = statuses(answers)
    assert found[500] == count // 4
    assert set(found) <= {201, 500, 503}, found  # 503: a lock was not had in time
    assert found[201] >= count // 4, found
    numbered = [row["number"] for row in rows_of(acme) if row["number"]]
    assert len(set(numbered)) == len(numbered) == found[201]
    assert_books_balance(acme)
    assert issued(acme.owner, customer)["number"].endswith(f"-{found[201] + 1:06d}")


@pytest.mark.drill
@pytest.mark.parametrize("round_", range(20))
def test_gapless_for_twenty_rounds(acme, customer, round_):
    storm_of_issues(acme, customer, writers(64))
    assert_books_balance(acme)


@pytest.mark.practice("X-01")
@pytest.mark.parametrize("path", ["issuance", "payments", "cancellation"])
def test_equal_posts_at_once_have_one_effect(acme, customer, path):
    invoice = drafted(acme.owner, customer)
    if path != "issuance":
        issue(acme.owner, invoice)
    asked = {"payments": {"amount": "10.00"}}.get(path, {})
    answers = at_once(
        *[lambda: act(twin(acme.owner), f"{invoice['id']}/{path}", asked, KEY)] * writers(32)
    )
    found = statuses(answers)
    assert set(found) <= {201, 409}, found
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    fresh = [a for a in answers if a.status_code == 201 and "Idempotency-Replayed" not in a.headers]
    assert len(fresh) == 1
    assert_books_balance(acme)


@pytest.mark.practice("X-19")
def test_parallel_payments_and_credits_never_take_more_than_is_due(acme, customer):
    invoice = issued(acme.owner, customer)
    line = invoice["lines"][0]["id"]
    calls = [lambda: pay(twin(acme.owner), invoice, "20.00")] * writers(16)
    calls += [lambda: credit(twin(acme.owner), invoice, (line, "0.5"))] * writers(16)
    found = statuses(at_once(*calls))
    assert set(found) <= {201, 409, 503}, found
    [row] = rows_of(acme)
    assert 0 <= row["total"] - row["amount_paid"] - row["amount_credited"] < 20 + Decimal("29.46")
    assert_books_balance(acme)


@pytest.mark.practice("X-19")
def test_two_who_reverse_one_payment_reverse_it_once(acme, customer):
    invoice = issued(acme.owner, customer)
    payment = made(pay(acme.owner, invoice, "20.00"))
    calls = [lambda: reverse(twin(acme.owner), invoice, payment)] * 4
    assert statuses(at_once(*calls)) == {201: 1, 409: 3}
    assert_books_balance(acme)


class Fault(Exception):
    """The database broke."""


class FailAt:
    """Breaks at the statement with this number, and counts them."""

    def __init__(self, number):
        self.number, self.seen = number, 0

    def __call__(self, execute, sql, params, many, context):
        self.seen += 1
        if self.seen == self.number:
            raise Fault(sql)
        return execute(sql, params, many, context)


def everything(tenant):
    """Every row that an act could leave: its own, its number, its trail, its key."""
    tables = (
        *("invoices_invoice", "invoices_invoiceline", "invoices_numberseries"),
        *("invoices_payment", "invoices_paymentreversal"),
        *("invoices_creditnote", "invoices_creditnoteline"),
        *("persistence_idempotencyrecord", "audit_auditentry"),
    )
    return {
        table: sorted(map(repr, in_database(tenant, f"SELECT * FROM {table}")))  # named above
        for table in tables
    }


def prepared(acme, customer, act_):
    """The path and the body of an act on a new invoice, or of the draft itself."""
    if act_ == "draft":
        line = body(customer)["lines"][0]
        return "", body(customer, lines=[line] * 3)
    invoice = drafted(acme.owner, customer)
    path = invoice["id"]
    if act_ != "issuance":
        issue(acme.owner, invoice)
    if act_ == "payments":
        return f"{path}/payments", {"amount": "10.00"}
    if act_ == "reversal":
        payment = made(pay(acme.owner, invoice, "10.00"))
        return f"{path}/payments/{payment['id']}/reversal", {}
    if act_ == "credit-notes":
        lines = [{"invoice_line": invoice["lines"][0]["id"], "quantity": "1"}]
        return f"{path}/credit-notes", {"reason": "x", "lines": lines}
    return f"{path}/{act_}", {}


@pytest.mark.practice("X-01")
@pytest.mark.practice("X-19")
@pytest.mark.parametrize(
    "act_", ["draft", "issuance", "payments", "reversal", "credit-notes", "cancellation"]
)
def test_a_fault_at_any_statement_leaves_nothing_half_done(acme, customer, act_):
    path, asked = prepared(acme, customer, act_)
    before = everything(acme)
    number = 0
    while True:
        number += 1
        fault = FailAt(number)
        with connection.execute_wrapper(fault):
            answer = act(acme.owner, path, asked, KEY)
        if fault.seen < number:  # it has no such statement: this time nothing broke
            break
        assert answer.status_code == 500, (number, answer.content)
        assert everything(acme) == before, number
    assert number > 5
    assert answer.status_code == 201, answer.content
    once = everything(acme)
    again = act(acme.owner, path, asked, KEY)
    assert (again.content, again["Idempotency-Replayed"]) == (answer.content, "true")
    assert everything(acme) == once
    assert_books_balance(acme)


def test_the_books_balance_after_a_whole_life(acme, customer):
    first, second, third = (issued(acme.owner, customer) for _ in range(3))
    payment = made(pay(acme.owner, first, "17.81"))
    made(pay(acme.owner, second, "117.81"))
    made(reverse(acme.owner, first, payment))
    made(credit(acme.owner, first, (first["lines"][0]["id"], "1")))
    made(cancel(acme.owner, first))
    made(cancel(acme.owner, third))
    assert cancel(acme.owner, second).status_code == 409
    assert_books_balance(acme)
