"""Two databases with the same rows: ours behind its walls, and the rivals' without them.

Rows are loaded by set-based SQL as the owner: constraints and indexes are taken off, the heap is
filled, and each is put back and validated, so that what is measured stands as a migration left it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

LINES = 5
BIG = ("invoices_invoice", "invoices_invoiceline")
DAYS = 700  # that the invoices are spread over

HELPERS = """
CREATE FUNCTION pg_temp.id_at(ms double precision, salt text) RETURNS uuid LANGUAGE sql AS $$
    SELECT (lpad(to_hex(ms::bigint), 12, '0') || '7' || substr(h, 1, 3) || 'a' || substr(h, 4, 15))::uuid
    FROM md5(salt) AS h $$;
CREATE FUNCTION pg_temp.sealed(key text, bytes int, salt text) RETURNS text LANGUAGE sql AS $$
    SELECT 'v1.' || key || '.' || replace(encode(substr(sha512(salt::bytea), 1, bytes), 'base64'), E'\\n', '') $$;
CREATE TEMP TABLE tenant (n int PRIMARY KEY, id uuid, key text, customers uuid[]);
"""
TENANTS = """
WITH made AS (
    INSERT INTO organizations_organization (id, name, slug, time_zone, plan, created_at, updated_at)
    SELECT pg_temp.id_at(%(start)s, 'tenant ' || n), 'Tenant ' || n, 'tenant-' || n, 'UTC', 'free', now(), now()
    FROM generate_series(2, %(tenants)s - 1) AS n RETURNING id, slug)
INSERT INTO tenant SELECT substr(slug, 8)::int, id, id::text, NULL FROM made
"""
CUSTOMERS = """
INSERT INTO customers_customer (id, tenant_id, name, country, email, email_index, address, tax_id,
    iban, bank_token, bank_last4, internal_note, created_at, updated_at, version)
SELECT pg_temp.id_at(%(start)s, 'customer ' || t.n || ' ' || c), t.id, 'Customer ' || c, 'DE',
    pg_temp.sealed(t.key, 53, 'mail' || t.n || c), md5(t.n || ' ' || c) || md5(c || ' ' || t.n),
    '{"line1": "Street 1", "city": "Berlin", "country": "DE"}',
    pg_temp.sealed(t.key, 39, 'tax' || t.n || c), pg_temp.sealed(t.key, 50, 'iban' || t.n || c),
    'ba_' || md5(t.n || 'b' || c), '3000', NULL, now(), now(), 1
FROM tenant t, generate_series(1, %(customers)s) AS c WHERE t.customers IS NULL;
"""
KNOWN = """
UPDATE tenant SET customers = known.ids FROM (
    SELECT tenant_id, array_agg(id) AS ids FROM customers_customer GROUP BY tenant_id) known
WHERE known.tenant_id = tenant.id
"""
# An eighth is the hot tenant's, as where the gates were set, the first dozen the tiny one's, the rest
# everybody's in turn. One invoice in 40 has all that is optional.
INVOICES = """
INSERT INTO invoices_invoice (id, tenant_id, customer_id, drafted_by_id, status, number, currency,
    issued_on, due_on, delivered_on, seller, buyer, buyer_email, buyer_tax_id, buyer_reference, note,
    internal_note, allowances, charges, prepaid, rounding, subtotal, tax_total, total, amount_paid,
    amount_credited, created_at, updated_at, version)
SELECT pg_temp.id_at(ms, 'invoice ' || i), t.id, t.customers[1 + i / 10 %% %(customers)s], t.id,
    CASE WHEN is_draft THEN 'draft' ELSE 'issued' END,
    CASE WHEN is_draft THEN NULL ELSE 'B-' || lpad(i::text, 8, '0') END, 'EUR',
    CASE WHEN is_draft THEN NULL ELSE at::date END, at::date + 30,
    CASE WHEN is_full THEN at::date END,
    jsonb_build_object('id', t.id, 'name', 'Tenant ' || t.n),
    jsonb_build_object('name', 'Customer of ' || t.n, 'country', 'DE', 'address',
        jsonb_build_object('line1', 'Street ' || i, 'city', 'Berlin', 'country', 'DE')),
    pg_temp.sealed(t.key, 53, 'mail' || i), pg_temp.sealed(t.key, 39, 'tax' || i),
    CASE WHEN is_full THEN 'Order ' || i END,
    CASE WHEN i / 10 %% 3 = 0 THEN 'Thank you for your order ' || i END,
    CASE WHEN i / 10 %% 7 = 0 THEN 'Called about it on day ' || i END,
    CASE WHEN is_full THEN '[{"amount": "1.00", "reason": "Loyalty", "tax_rate": "19.00"}]'::jsonb
        ELSE '[]' END,
    CASE WHEN is_full THEN '[{"amount": "1.00", "reason": "Freight", "tax_rate": "19.00"}]'::jsonb
        ELSE '[]' END,
    CASE WHEN is_full THEN 5 END, CASE WHEN is_full THEN 0.01 END,
    net, round(net * 0.19, 2), net + round(net * 0.19, 2), 0, 0, at, at, 1
FROM (SELECT i, CASE WHEN i <= 12 THEN -1 WHEN i %% 8 = 0 THEN 0 ELSE 1 + i %% (%(tenants)s - 1) END AS n,
        %(start)s + i * %(step)s::double precision AS ms,
        to_timestamp((%(start)s + i * %(step)s) / 1000.0) AS at,
        i / 10 %% 5 = 1 AS is_draft, i / 10 %% 40 = 7 AS is_full,
        10 * (10.5 + i %% 500) + 130 AS net
    FROM generate_series(1, %(invoices)s) AS i) AS numbered JOIN tenant t USING (n)
"""
INVOICE_LINES = """
INSERT INTO invoices_invoiceline (id, tenant_id, invoice_id, position, description, quantity,
    unit_price, tax_rate, unit, allowances, charges, amount)
SELECT pg_temp.id_at(extract(epoch FROM created_at) * 1000, 'line ' || id || p), tenant_id, id, p,
    'Consulting, part ' || p, 2, subtotal / 10, 19, 'HUR', '[]', '[]', subtotal / 5
FROM invoices_invoice, generate_series(1, %(lines)s) AS p
"""
# PostgreSQL keeps the plan that it made for an empty table, which reads all of it, until it looks at
# the table again: so this one is as a day leaves it.
RECORDS = """
INSERT INTO persistence_idempotencyrecord (id, tenant_id, principal_id, operation, key, fingerprint,
    status, row_id, expires_at)
SELECT id, tenant_id, drafted_by_id, 'invoices.create', id::text, repeat(md5(id::text), 2), 201, id,
    now() + interval '1 day'
FROM invoices_invoice ORDER BY invoices_invoice.id DESC LIMIT 5000
"""


class Books(NamedTuple):
    """A loaded database: the URLs of its two roles, and whom requests come from."""

    app: str
    owner: str
    cast: dict[str, Any]

    @property
    def environment(self) -> dict[str, str]:
        """For a process that serves our own application on it."""
        return {
            **os.environ,
            "DATABASE_URL": self.app,
            "DATABASE_OWNER_URL": self.owner,
            "DJANGO_SETTINGS_MODULE": "tests.bench.settings",
        }


@contextmanager
def database(name: str, template: str | None = None) -> Iterator[tuple[str, str]]:
    """A database for the length of the block, as the serving role and as the owner see it."""
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    create = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    if template:
        copy = sql.SQL(" TEMPLATE {} STRATEGY FILE_COPY").format(sql.Identifier(template))
        create += copy
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as server:
        server.execute(drop)
        server.execute(create)
        try:
            yield tuple(  # type: ignore[misc]  # two of them
                urlsplit(os.environ[variable])._replace(path=f"/{name}").geturl()
                for variable in ("DATABASE_URL", "DATABASE_OWNER_URL")
            )
        finally:
            server.execute(drop)


def fill(app: str, owner: str, *, invoices: int, tenants: int) -> Books:
    """Migrate an empty database and load it."""
    books = Books(app, owner, {})
    python(books, "manage.py", "migrate", "--verbosity=0")
    books = books._replace(cast=json.loads(python(books, "-m", "tests.bench.people")))
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("SET statement_timeout = 0")
        connection.execute("SET maintenance_work_mem = '512MB'")
        with unforced(connection), bare(connection):
            load(connection, books.cast, invoices, tenants)
        connection.execute("VACUUM (ANALYZE)")
    return books


def python(books: Books, *arguments: str) -> str:
    """The output of one of our own programs."""
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, env=books.environment, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def load(connection: Any, cast: dict[str, Any], invoices: int, tenants: int) -> None:
    """Every row. The cursor binds on this side, because the statements hold several."""
    import time

    days = DAYS * 86_400_000
    values = {
        "start": int(time.time() * 1000) - days - 86_400_000,
        "step": days / invoices,
        "invoices": invoices,
        "tenants": tenants,
        "customers": len(cast["hot"]["customers"]),
        "lines": LINES,
    }
    cursor = psycopg.ClientCursor(connection)
    for statement in HELPERS.split(";\n"):
        if statement.strip():
            cursor.execute(statement)
    for number, name in ((0, "hot"), (1, "small"), (-1, "tiny")):
        one = cast[name]
        cursor.execute(
            "INSERT INTO tenant VALUES (%s, %s, %s, %s::uuid[])",
            [number, one["tenant"], one["data_key"], one["customers"]],
        )
    for statement in (TENANTS, CUSTOMERS, KNOWN, INVOICES, INVOICE_LINES, RECORDS):
        cursor.execute(statement, values)


@contextmanager
def unforced(connection: Any) -> Iterator[None]:
    """Let the owner load past row security, which binds them at every other time."""
    tables = connection.execute(
        "SELECT oid::regclass::text FROM pg_class WHERE relforcerowsecurity"
    ).fetchall()
    for (table,) in tables:
        connection.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    yield
    for (table,) in tables:
        connection.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


@contextmanager
def bare(connection: Any) -> Iterator[None]:
    """The two big tables without triggers, keys and indexes; all of them stand again afterwards."""
    where = " OR ".join(f"%s IN ('{table}'::regclass)" for table in BIG)
    constraints = connection.execute(f"""
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), contype::text
        FROM pg_constraint WHERE contype IN ('p', 'u', 'f')
        AND ({where % ("conrelid", "conrelid")} OR {where % ("confrelid", "confrelid")})
        ORDER BY contype = 'f' DESC""").fetchall()
    indexes = connection.execute(f"""
        SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
        WHERE ({where % ("indrelid", "indrelid")})
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)""").fetchall()
    for table in BIG:
        connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for table, name, *_ in constraints:
        connection.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    for index, _ in indexes:
        connection.execute(f"DROP INDEX {index}")
    yield
    for _, definition in indexes:
        connection.execute(definition)
    for table, name, definition, _ in reversed(constraints):
        connection.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
    for table in BIG:
        connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def unwall(owner: str) -> None:
    """Take our walls off the rivals' copy: no row security, no triggers, no composite keys, but the
    plain ones with their indexes. They pay for nothing that they would not have, and lack nothing.
    """
    with psycopg.connect(owner, autocommit=True) as connection:
        for kind, query in {
            "DISABLE ROW LEVEL SECURITY": "SELECT oid::regclass::text, '' FROM pg_class WHERE relrowsecurity",
            "DROP CONSTRAINT": "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE conname LIKE '%_same_tenant'",
        }.items():
            for table, name in connection.execute(query).fetchall():
                connection.execute(
                    f"ALTER TABLE {table} {kind} {name and chr(34) + name + chr(34)}"
                )
        triggers = connection.execute(
            "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
        ).fetchall()
        for name, table in triggers:
            connection.execute(f'DROP TRIGGER "{name}" ON {table}')
        for table, column, target in (
            ("invoices_invoice", "customer_id", "customers_customer"),
            ("invoices_invoiceline", "invoice_id", "invoices_invoice"),
        ):
            connection.execute(f"CREATE INDEX ON {table} ({column})")
            connection.execute(
                f"ALTER TABLE {table} ADD FOREIGN KEY ({column}) REFERENCES {target} DEFERRABLE INITIALLY DEFERRED"
            )
