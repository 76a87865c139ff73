"""Raw SQL, past every service, changes nothing of what was issued: on both databases."""

import pytest
from django.db import DatabaseError, connection

from apps.invoices.models import Invoice
from saas.ids import uuid7
from saas.persistence import guards
from saas.persistence.guards import declared
from tests.apps.invoices.drafts import drafted, new_customer
from tests.apps.invoices.issued import cancel, issued, made, now, pay, reverse
from tests.cast import make_tenant
from tests.saas.walls import as_owner, in_database, raw
from tests.saas.wire import on_postgresql

pytestmark = [pytest.mark.core, pytest.mark.practice("X-19")]

REFUSED = r"frozen|append-only|permission denied"
OF_INVOICES = [
    "UPDATE invoices_invoice SET buyer_email = 'v1.x' WHERE status <> 'draft'",
    "UPDATE invoices_invoice SET buyer_tax_id = NULL WHERE status <> 'draft'",
    "UPDATE invoices_invoice SET total = total + 1 WHERE status <> 'draft'",
    "UPDATE invoices_invoice SET number = 'X' || number WHERE status <> 'draft'",
    "UPDATE invoices_invoice SET note = 'since then' WHERE status <> 'draft'",
    "UPDATE invoices_invoice SET buyer = '{}' WHERE status <> 'draft'",
    "UPDATE invoices_invoice SET issued_on = '2020-01-01' WHERE status <> 'draft'",
    "UPDATE invoices_invoice SET status = 'draft', number = NULL WHERE status = 'issued'",
    "UPDATE invoices_invoice SET status = 'issued' WHERE status = 'void'",
    "UPDATE invoices_invoice SET status = 'void' WHERE status = 'draft'",
    "DELETE FROM invoices_invoice WHERE status = 'void'",
]
ISSUED = "(SELECT id FROM invoices_invoice WHERE status <> 'draft')"
OF_LINES = [
    f"UPDATE invoices_invoiceline SET description = 'x' WHERE invoice_id IN {ISSUED}",  # the text above
    f"DELETE FROM invoices_invoiceline WHERE invoice_id IN {ISSUED}",  # the text above
    f"UPDATE invoices_invoiceline SET position = 9, invoice_id = {ISSUED[:-1]} LIMIT 1)"  # the text above
    " WHERE invoice_id IN (SELECT id FROM invoices_invoice WHERE status = 'draft')",
]
OF_WHAT_FOLLOWED = [
    "UPDATE invoices_payment SET amount = 1",
    "DELETE FROM invoices_payment",
    "UPDATE invoices_paymentreversal SET created_at = created_at",
    "DELETE FROM invoices_paymentreversal",
    "UPDATE invoices_creditnote SET total = 0",
    "DELETE FROM invoices_creditnote",
    "UPDATE invoices_creditnoteline SET quantity = 1",
    "DELETE FROM invoices_creditnoteline",
]
COPY_LINE = """
    INSERT INTO invoices_invoiceline (id, tenant_id, invoice_id, position, description, quantity,
        unit_price, tax_rate, allowances, charges, amount)
    SELECT %s, tenant_id, invoice_id, 77, description, quantity, unit_price, tax_rate, allowances,
        charges, amount FROM invoices_invoiceline WHERE invoice_id = %s
"""
COPY_CREDIT = """
    INSERT INTO invoices_creditnoteline (id, tenant_id, credit_note_id, invoice_line_id, position,
        quantity, amount)
    SELECT %s, tenant_id, credit_note_id, invoice_line_id, 77, quantity, amount
        FROM invoices_creditnoteline
"""


@pytest.fixture
def acme(committed):
    """Acme with a draft, an issued, a paid and a void invoice that are really committed."""
    tenant = make_tenant("Acme")
    customer = new_customer(tenant)
    drafted(tenant.owner, customer)
    issued(tenant.owner, customer)
    paid = issued(tenant.owner, customer)
    made(reverse(tenant.owner, paid, made(pay(tenant.owner, paid, "1.00"))))
    made(pay(tenant.owner, paid, "117.81"))
    made(cancel(tenant.owner, issued(tenant.owner, customer)))
    return tenant


def rows(tenant):
    """Everything about invoices, to hold a refusal against."""
    names = ("invoice", "invoiceline", "payment", "paymentreversal", "creditnote", "creditnoteline")
    tables = [f"SELECT * FROM invoices_{name}" for name in names]  # named above
    return [sorted(map(repr, in_database(tenant, table))) for table in tables]


@pytest.mark.parametrize("sql", [*OF_INVOICES, *OF_LINES, *OF_WHAT_FOLLOWED])
def test_raw_sql_changes_nothing_that_was_issued(acme, sql):
    before = rows(acme)
    with pytest.raises(DatabaseError, match=REFUSED):
        in_database(acme, sql)
    assert rows(acme) == before


def test_no_line_joins_what_is_frozen(acme):
    before = rows(acme)
    [(id, *_), *_rest] = in_database(acme, ISSUED[1:-1])
    with pytest.raises(DatabaseError, match=REFUSED):
        in_database(acme, COPY_LINE, raw(uuid7()), id)
    with pytest.raises(DatabaseError, match=REFUSED):
        in_database(acme, COPY_CREDIT, raw(uuid7()))
    assert rows(acme) == before


def test_what_the_money_changes_may_still_change(acme):
    in_database(acme, "UPDATE invoices_invoice SET version = version + 1 WHERE status = 'paid'")
    in_database(
        acme, "DELETE FROM invoices_invoiceline WHERE invoice_id NOT IN " + ISSUED
    )  # the text above
    in_database(acme, "DELETE FROM invoices_invoice WHERE status = 'draft'")
    [(count,)] = in_database(acme, "SELECT count(*) FROM invoices_invoice")
    assert count == 3


@on_postgresql
def test_the_owner_of_the_tables_changes_nothing_either(acme):
    told = f"SELECT set_config('app.tenant', '{acme.id}', false)"
    before = rows(acme)
    emptied = [f"TRUNCATE invoices_{name} CASCADE" for name in ("invoice", "payment", "creditnote")]
    for sql in (*OF_INVOICES, *OF_WHAT_FOLLOWED, *emptied):
        with pytest.raises(DatabaseError, match=r"frozen|append-only"):
            as_owner(told, sql)
    assert rows(acme) == before


def test_a_column_that_is_added_is_frozen_with_the_others(monkeypatch):
    life = Invoice.life
    assert life is not None
    before = {guard.name for guard in guards.expected(connection.vendor)}
    monkeypatch.setattr(Invoice, "life", life._replace(still=(*life.still, "note")))
    names = {guard.name for guard in guards.expected(connection.vendor)} - before
    assert len(names) == 1  # another declaration is another guard, which the check then misses
    for column in (field.column for field in Invoice._meta.local_fields):
        assert (f'OLD."{column}"' in declared.forbidden_change(Invoice)) != (
            column in (*life.still, "note", *declared.sealed_columns(Invoice))
        )


def test_a_payment_bumps_the_version_and_nothing_that_was_issued(acme):
    listed = acme.owner.get("invoices?status=issued").json()["results"]
    before = now(acme.owner, listed[0])
    made(pay(acme.owner, before, "1.00"))
    after = now(acme.owner, before)
    differing = {name for name in before if before[name] != after[name]}
    assert differing == {"amount_paid", "amount_due", "updated_at"}
