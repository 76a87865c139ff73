"""Credits and payments in any order, held against a second book that knows only fractions."""

from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

import pytest
from django.db import transaction
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from apps.invoices import queries
from apps.invoices.crediting import cancel_invoice, credit_lines
from apps.invoices.models import STATUSES, Invoice
from apps.invoices.money import DECIMALS
from apps.invoices.serializers import InvoiceInput
from apps.invoices.services import draft_invoice, issue_invoice
from apps.invoices.settlement import record_payment, reverse_payment
from saas.audit import trail
from saas.errors import Problem
from saas.tenancy.binding import bind
from saas.validation.inputs import judge
from tests.apps.invoices.test_totals import decimals, half_up

pytestmark = [pytest.mark.core, pytest.mark.practice("X-19")]

PARTS = st.sampled_from([Fraction(n, 4) for n in (-1, 1, 1, 2, 2, 3, 4, 4, 5)])
ACTS = st.one_of(
    st.tuples(st.just("pay"), PARTS),
    st.tuples(st.just("reverse"), st.integers(0, 3)),
    st.tuples(st.just("credit"), st.lists(st.tuples(st.integers(0, 3), PARTS), min_size=1)),
    st.tuples(st.just("credit"), st.lists(st.tuples(st.integers(0, 3), PARTS), min_size=1)),
    st.tuples(st.just("cancel"), st.none()),
)
RATES = st.sampled_from(["0", "7.00", "19.00", "5.5"])


@st.composite
def bodies(draw):
    """A draft in a currency of 0, 2 or 3 decimals; prices may be finer than it."""
    currency = draw(st.sampled_from(["EUR", "JPY", "KWD"]))
    line = st.fixed_dictionaries(
        {
            "description": st.just("Work"),
            "quantity": st.sampled_from(["4", "1", "0.4", "12", "-4"]),
            "unit_price": decimals(0, 50, 3).map(str),
            "tax_rate": RATES,
        }
    )
    allowance = st.fixed_dictionaries(
        {"amount": st.just("3"), "reason": st.just("loyal"), "tax_rate": RATES}
    )
    return {
        "currency": currency,
        "lines": draw(st.lists(line, min_size=1, max_size=4)),
        "allowances": draw(st.lists(allowance, max_size=1)),
    }


@dataclass
class Book:
    """The second book of one invoice."""

    invoice: Invoice
    paid: dict = field(default_factory=dict)  # payment -> amount, of those that live
    taken: dict = field(default_factory=dict)  # line -> quantity
    credited: Fraction = Fraction(0)
    void: bool = False

    def __post_init__(self):
        self.places = DECIMALS[self.invoice.currency]
        self.lines = {line.pk: line for line in self.invoice.positions}
        self.total = Fraction(self.invoice.total)

    @property
    def due(self):
        return Fraction(0) if self.void else self.total - sum(self.paid.values()) - self.credited

    @property
    def status(self):
        if self.void:
            return "void"
        return "issued" if self.due else "paid"

    def net(self, taken):
        """The net amount of what is taken, by category and rate."""
        groups: dict[Fraction, Fraction] = {}
        for id, quantity in taken.items():
            line = self.lines[id]
            amount = half_up(quantity * Fraction(line.unit_price), self.places)
            rate = Fraction(line.tax_rate)
            groups[rate] = groups.get(rate, Fraction(0)) + amount
        return groups

    def sums(self, taken):
        """What it comes to: without tax, its tax, with tax."""
        nets = self.net(taken)
        tax = sum(half_up(net * rate / 100, self.places) for rate, net in nets.items())
        net = sum(nets.values())
        return net, tax, net + tax

    def claimed(self):
        """The net amount that the invoice claimed, by rate."""
        groups = self.net({id: Fraction(line.quantity) for id, line in self.lines.items()})
        for entry in self.invoice.allowances:
            rate = Fraction(entry["tax_rate"])
            groups[rate] = groups.get(rate, Fraction(0)) - Fraction(entry["amount"])
        return groups

    def credit(self, asked):
        """Whether it is allowed; if so it is entered."""
        if self.void or len({id for id, _ in asked}) < len(asked):
            return False
        after = dict(self.taken)
        for id, quantity in asked:
            whole = Fraction(self.lines[id].quantity)
            after[id] = after.get(id, 0) + quantity
            if quantity * whole < 0 or abs(after[id]) > abs(whole):
                return False
        claimed = self.claimed()
        for rate, net in self.net(after).items():
            if not min(0, claimed[rate]) <= net <= max(0, claimed[rate]):
                return False
        whole_sums = (self.invoice.subtotal, self.invoice.tax_total, self.invoice.total)
        before, now = self.sums(self.taken), self.sums(after)
        for then, sum_, most in zip(before, now, whole_sums, strict=True):
            if not then <= sum_ <= most:
                return False
        if now[2] - before[2] > self.due:
            return False
        self.taken, self.credited = after, now[2]
        self.void = bool(self.credited) and self.credited == self.total and not self.paid
        return True


@contextmanager
def taken_back(acme):
    """One example in a transaction that leaves nothing."""
    with transaction.atomic(), bind(acme.id), trail.recording() as entries:
        yield
        entries.clear()
        transaction.set_rollback(True)


def allowed(act, *arguments, **options):
    """Whether a service does it; and what it gives."""
    try:
        return True, act(*arguments, **options)
    except Problem as refusal:
        if refusal.status not in (400, 409):
            raise
        return False, None


def parsed(body):
    """The body as validation hands it on."""
    return judge(InvoiceInput, body)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(body=bodies(), acts=st.lists(ACTS, max_size=8))
def test_no_order_of_credits_and_payments_takes_more_than_was_claimed(acme, customer, body, acts):
    actor = acme.owner.actor
    with taken_back(acme):
        made, draft = allowed(draft_invoice, actor, **parsed({"customer": customer, **body}))
        if not made:
            return
        issue_invoice(actor, draft)
        book = Book(draft)
        assume(book.total > 0)
        payments = []
        for name, value in acts:
            invoice = queries.invoices().get(pk=draft.pk)
            if name == "pay":
                amount = half_up(book.total * value, book.places)
                if amount <= 0:
                    continue
                done, payment = allowed(record_payment, actor, invoice, amount=exact(amount))
                assert done == (not book.void and amount <= book.due)
                if done:
                    payments.append(payment)
                    book.paid[payment.pk] = amount
            elif name == "reverse" and value < len(payments):
                payment = queries.payments().get(pk=payments[value].pk)
                done, _ = allowed(reverse_payment, actor, invoice, payment)
                assert done == (payment.pk in book.paid)
                book.paid.pop(payment.pk, None)
            elif name == "credit":
                ids = [line.pk for line in draft.positions]
                asked = [
                    (ids[i % len(ids)], part * Fraction(draft.positions[i % len(ids)].quantity))
                    for i, part in value
                ]
                lines = [{"invoice_line": id, "quantity": exact(q)} for id, q in asked]
                done, _ = allowed(credit_lines, actor, invoice, reason="x", lines=lines)
                assert done == book.credit(asked)
            elif name == "cancel":
                done, _ = allowed(cancel_invoice, actor, invoice)
                assert done == (not book.void and not book.paid)
                if done:
                    book.void, book.credited = True, book.total
            assert_agrees(book, queries.invoices().get(pk=draft.pk))


def exact(number):
    """A fraction that is a decimal, as one."""
    return Decimal(number.numerator) / Decimal(number.denominator)


def assert_agrees(book, invoice):
    """Both books say the same of the invoice, and its credit notes never exceed it."""
    assert invoice.status in STATUSES
    assert invoice.status == book.status
    assert Fraction(invoice.amount_paid) == sum(book.paid.values())
    assert Fraction(invoice.amount_credited) == book.credited
    assert Fraction(invoice.amount_due) == book.due >= 0
    notes = list(invoice.credit_notes.all())
    for name in ("subtotal", "tax_total", "total"):
        taken = sum(Fraction(getattr(note, name)) for note in notes)
        claimed = Fraction(getattr(invoice, name))
        assert 0 <= taken <= claimed
        assert taken == claimed or invoice.status != "void"
