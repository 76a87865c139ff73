"""a: plain functions, SQL by hand and orjson. It looks the token up, and that is all it checks: the
limit of what this server, driver and database can do.
"""

import base64
import hashlib
import uuid
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal

import orjson
from django.db import connection, transaction
from django.http import HttpResponse
from django.urls import path

from tests.bench.variants.ids import new_id

CENT = Decimal("0.01")
NAMES = [
    "id",
    "number",
    "status",
    "customer",
    "currency",
    "subtotal",
    "tax_total",
    "total",
    "amount_paid",
    "amount_due",
    "issued_on",
    "due_on",
    "created_at",
    "updated_at",
    "note",
    "internal_note",
    "allowances",
    "charges",
    "prepaid",
    "rounding",
    "delivered_on",
    "buyer_reference",
]
COLUMNS = """id, number, status, customer_id, currency, subtotal, tax_total, total, amount_paid,
    CASE status WHEN 'void' THEN 0 ELSE
    total - coalesce(prepaid, 0) + coalesce(rounding, 0) - amount_paid - amount_credited END,
    issued_on, due_on, created_at, updated_at, note, internal_note, allowances, charges, prepaid,
    rounding, delivered_on, buyer_reference"""
MONEY = frozenset(
    i
    for i, name in enumerate(NAMES)
    if name.startswith(("amount", "sub", "tax", "total", "prepaid", "round"))
)
LINE_NAMES = [
    "id",
    "description",
    "quantity",
    "unit_price",
    "tax_rate",
    "amount",
    "unit",
    "tax_category",
    "exemption_reason",
    "base_quantity",
    "allowances",
    "charges",
]
LINE_COLUMNS = ", ".join(LINE_NAMES)
TENANT = """SELECT m.tenant_id, t.scope FROM oauth2_provider_accesstoken t
    JOIN variants_membership m USING (user_id)
    WHERE t.token_checksum = %s AND t.expires > now()"""


def tenant_of(cursor, request):
    """The tenant of the token."""
    token = request.META["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
    cursor.execute(TENANT, [hashlib.sha256(token.encode()).hexdigest()])
    return cursor.fetchone()[0]


def written(row):
    """A row as JSON wants it."""
    return {
        name: f"{value:.2f}" if i in MONEY and value is not None else value
        for i, (name, value) in enumerate(zip(NAMES, row, strict=True))
    } | {"allowances": orjson.Fragment(row[16]), "charges": orjson.Fragment(row[17])}


def line(row):
    """A line as JSON wants it."""
    return dict(zip(LINE_NAMES, row, strict=True)) | {
        "quantity": format(row[2].normalize(), "f"),
        "unit_price": f"{row[3]:.2f}",
        "tax_rate": str(row[4]),
        "amount": f"{row[5]:.2f}",
        "base_quantity": row[9] and format(row[9].normalize(), "f"),
        "allowances": orjson.Fragment(row[10]),
        "charges": orjson.Fragment(row[11]),
    }


def answer(body, status=200):
    """JSON."""
    content = orjson.dumps(body, option=orjson.OPT_UTC_Z)
    return HttpResponse(content, status=status, content_type="application/json")


def invoices(request):
    """A page, or a new invoice."""
    return post(request) if request.method == "POST" else page(request)


def page(request):
    """50 invoices after the cursor."""
    after = request.GET.get("cursor")
    where, values = "", []
    if after:
        where, values = "AND id < %s", [uuid.UUID(bytes=base64.urlsafe_b64decode(after + "=="))]
    with connection.cursor() as cursor:
        tenant = tenant_of(cursor, request)
        cursor.execute(
            f"SELECT {COLUMNS} FROM invoices_invoice WHERE tenant_id = %s {where} ORDER BY id DESC LIMIT 51",
            [tenant, *values],
        )
        rows = cursor.fetchall()
    following = None
    if len(rows) > 50:
        following = base64.urlsafe_b64encode(rows[49][0].bytes).decode().rstrip("=")
    return answer({"results": [written(row) for row in rows[:50]], "next": following})


def detail(request, pk):
    """One invoice with its lines."""
    with connection.cursor() as cursor:
        tenant = tenant_of(cursor, request)
        cursor.execute(
            f"SELECT {COLUMNS} FROM invoices_invoice WHERE tenant_id = %s AND id = %s", [tenant, pk]
        )
        row = cursor.fetchone()
        cursor.execute(
            f"SELECT {LINE_COLUMNS} FROM invoices_invoiceline WHERE tenant_id = %s AND invoice_id = %s ORDER BY position",
            [tenant, pk],
        )
        lines = cursor.fetchall()
    return answer({**written(row), "lines": [line(one) for one in lines]})


def post(request):
    """An invoice and its lines, by two inserts."""
    body = orjson.loads(request.body)
    pk, now, rates, lines, inserted = new_id(), datetime.now(UTC), {}, [], []
    with transaction.atomic(), connection.cursor() as cursor:
        tenant = tenant_of(cursor, request)
        cursor.execute(
            "SELECT jsonb_build_object('name', name, 'country', country, 'address', address)"
            " FROM customers_customer WHERE tenant_id = %s AND id = %s",
            [tenant, body["customer"]],
        )
        [buyer] = cursor.fetchone()
        for position, entry in enumerate(body["lines"], start=1):
            quantity, price, rate = (
                Decimal(entry[name]) for name in ("quantity", "unit_price", "tax_rate")
            )
            amount = (quantity * price).quantize(CENT, ROUND_HALF_UP)
            rates[rate] = rates.get(rate, Decimal(0)) + amount
            values = [
                new_id(),
                entry["description"],
                quantity,
                price,
                rate,
                amount,
                entry.get("unit"),
            ]
            lines.append([*values, None, None, None, "[]", "[]"])
            inserted += [*lines[-1], tenant, pk, position]
        net = sum(rates.values())
        tax = sum(
            (amount * rate / 100).quantize(CENT, ROUND_HALF_UP) for rate, amount in rates.items()
        )
        cursor.execute(
            f"""INSERT INTO invoices_invoice (id, tenant_id, customer_id, drafted_by_id, status, currency,
                due_on, note, seller, buyer, allowances, charges, subtotal, tax_total, total, amount_paid,
                amount_credited, created_at, updated_at, version)
            VALUES (%s, %s, %s, %s, 'draft', %s, %s, %s, '{{}}', %s, '[]', '[]', %s, %s, %s, 0, 0, %s, %s, 1)
            RETURNING {COLUMNS}""",
            [
                pk,
                tenant,
                body["customer"],
                tenant,
                body["currency"],
                body.get("due_on"),
                body.get("note"),
                buyer,
                net,
                tax,
                net + tax,
                now,
                now,
            ],
        )
        row = cursor.fetchone()
        places = ", ".join(["%s"] * 15)
        cursor.execute(
            f"INSERT INTO invoices_invoiceline ({LINE_COLUMNS}, tenant_id, invoice_id, position)"
            f" VALUES {', '.join([f'({places})'] * len(lines))}",
            inserted,
        )
    return answer({**written(row), "lines": [line(one) for one in lines]}, 201)


urlpatterns = [path("invoices", invoices), path("invoices/<uuid:pk>", detail)]
