"""d: FastAPI with SQLAlchemy 2 (async) over asyncpg, its schema in pydantic models. The bearer token
is looked up by one join; there is no row security, no limit and no log. A POST has an idempotency key
and an audit row.
"""

import base64
import hashlib
import os
import uuid
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from sqlalchemy import Column, ForeignKey, MetaData, Table, func, insert, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload
from sqlalchemy.types import JSON, BigInteger, DateTime, Integer, String

from tests.bench.variants.ids import new_id

CENT = Decimal("0.01")
engine = create_async_engine(
    os.environ["DATABASE_URL"].replace("postgres://", "postgresql+asyncpg://"),
    pool_size=8,
    max_overflow=0,
    connect_args={"server_settings": {"application_name": os.environ["PGAPPNAME"]}},
)
Session = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()


class Base(DeclarativeBase):
    """JSON columns are jsonb."""

    type_annotation_map = {
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        datetime: DateTime(timezone=True),
    }


class Customer(Base):
    """Whom an organization invoices."""

    __tablename__ = "customers_customer"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[uuid.UUID]
    name: Mapped[str]
    country: Mapped[str]
    address: Mapped[dict[str, Any] | None]


class Invoice(Base):
    """An invoice with its amounts."""

    __tablename__ = "invoices_invoice"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[uuid.UUID]
    customer_id: Mapped[uuid.UUID]
    drafted_by_id: Mapped[uuid.UUID]
    status: Mapped[str] = mapped_column(default="draft")
    number: Mapped[str | None]
    currency: Mapped[str]
    issued_on: Mapped[date | None]
    due_on: Mapped[date | None]
    delivered_on: Mapped[date | None]
    seller: Mapped[dict[str, Any]] = mapped_column(default=dict)
    buyer: Mapped[dict[str, Any]] = mapped_column(default=dict)
    buyer_reference: Mapped[str | None]
    note: Mapped[str | None]
    internal_note: Mapped[str | None]
    allowances: Mapped[list[Any]] = mapped_column(default=list)
    charges: Mapped[list[Any]] = mapped_column(default=list)
    prepaid: Mapped[Decimal | None]
    rounding: Mapped[Decimal | None]
    subtotal: Mapped[Decimal]
    tax_total: Mapped[Decimal]
    total: Mapped[Decimal]
    amount_paid: Mapped[Decimal] = mapped_column(default=Decimal(0))
    amount_credited: Mapped[Decimal] = mapped_column(default=Decimal(0))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)
    lines: Mapped[list["InvoiceLine"]] = relationship(order_by="InvoiceLine.position")

    @property
    def customer(self) -> uuid.UUID:
        """Its id."""
        return self.customer_id

    @property
    def amount_due(self) -> Decimal:
        """What remains to be paid."""
        if self.status == "void":
            return Decimal(0)
        due = self.total - (self.prepaid or 0) + (self.rounding or 0)
        return due - self.amount_paid - self.amount_credited


class InvoiceLine(Base):
    """One position of an invoice."""

    __tablename__ = "invoices_invoiceline"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[uuid.UUID]
    invoice_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("invoices_invoice.id"))
    position: Mapped[int]
    description: Mapped[str]
    quantity: Mapped[Decimal]
    unit_price: Mapped[Decimal]
    tax_rate: Mapped[Decimal]
    unit: Mapped[str | None]
    tax_category: Mapped[str | None]
    exemption_reason: Mapped[str | None]
    base_quantity: Mapped[Decimal | None]
    allowances: Mapped[list[Any]] = mapped_column(default=list)
    charges: Mapped[list[Any]] = mapped_column(default=list)
    amount: Mapped[Decimal]


tables = MetaData()
tokens = Table(
    "oauth2_provider_accesstoken",
    tables,
    Column("user_id", Integer),
    Column("token_checksum", String),
    Column("expires", DateTime(timezone=True)),
    Column("scope", String),
)
members = Table("variants_membership", tables, Column("user_id", Integer), Column("tenant_id"))
idempotency = Table(
    "variants_idempotencykey",
    tables,
    Column("id", BigInteger),
    Column("user_id", Integer),
    Column("key", String),
    Column("fingerprint", String),
    Column("response", JSON),
)
audit = Table(
    "variants_auditlog",
    tables,
    Column("user_id", Integer),
    Column("event", String),
    Column("object_id"),
    Column("at", DateTime(timezone=True)),
)


def plain(number: Decimal) -> str:
    """Without trailing zeros."""
    return format(number.normalize(), "f")


Money = Annotated[Decimal, PlainSerializer(lambda amount: f"{amount:.2f}", return_type=str)]
Number = Annotated[Decimal, PlainSerializer(plain, return_type=str)]


class LineIn(BaseModel):
    """A line as it comes in."""

    model_config = ConfigDict(extra="forbid")
    description: str = Field(max_length=500)
    quantity: Decimal
    unit_price: Decimal = Field(ge=0)
    tax_rate: Decimal = Field(ge=0, le=100)
    unit: str | None = None


class InvoiceIn(BaseModel):
    """A draft as it comes in."""

    model_config = ConfigDict(extra="forbid")
    customer: uuid.UUID
    currency: str = Field(min_length=3, max_length=3)
    due_on: date | None = None
    note: str | None = None
    lines: list[LineIn] = Field(min_length=1, max_length=500)


class LineOut(BaseModel):
    """A line as it goes out."""

    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID
    description: str
    quantity: Number
    unit_price: Money
    tax_rate: Money
    amount: Money
    unit: str | None
    tax_category: str | None
    exemption_reason: str | None
    base_quantity: Number | None
    allowances: list[Any]
    charges: list[Any]


class Summary(BaseModel):
    """An invoice in a list."""

    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID
    number: str | None
    status: str
    customer: uuid.UUID
    currency: str
    subtotal: Money
    tax_total: Money
    total: Money
    amount_paid: Money
    amount_due: Money
    issued_on: date | None
    due_on: date | None
    created_at: datetime
    updated_at: datetime
    note: str | None
    internal_note: str | None
    allowances: list[Any]
    charges: list[Any]
    prepaid: Money | None
    rounding: Money | None
    delivered_on: date | None
    buyer_reference: str | None


class InvoiceOut(Summary):
    """An invoice with its lines."""

    lines: list[LineOut]


class Page(BaseModel):
    """A page of a list."""

    results: list[Summary]
    next: str | None


async def session():
    """One for each request."""
    async with Session() as opened:
        yield opened


Database = Annotated[AsyncSession, Depends(session)]


async def caller(database: Database, authorization: Annotated[str, Header()]) -> Any:
    """User and tenant of the token."""
    checksum = hashlib.sha256(authorization.removeprefix("Bearer ").encode()).hexdigest()
    query = select(members.c.user_id, members.c.tenant_id).join(
        tokens, tokens.c.user_id == members.c.user_id
    )
    query = query.where(tokens.c.token_checksum == checksum, tokens.c.expires > func.now())
    found = (await database.execute(query)).first()
    if found is None:
        raise HTTPException(401)
    return found


Caller = Annotated[Any, Depends(caller)]


@app.get("/invoices", response_model=Page)
async def page(database: Database, who: Caller, cursor: str | None = None) -> Any:
    """50 invoices after the cursor."""
    query = (
        select(Invoice)
        .where(Invoice.tenant_id == who.tenant_id)
        .order_by(Invoice.id.desc())
        .limit(51)
    )
    if cursor:
        query = query.where(Invoice.id < uuid.UUID(bytes=base64.urlsafe_b64decode(cursor + "==")))
    rows = (await database.scalars(query)).all()
    following = (
        base64.urlsafe_b64encode(rows[49].id.bytes).decode().rstrip("=") if len(rows) > 50 else None
    )
    return {"results": rows[:50], "next": following}


@app.get("/invoices/{pk}", response_model=InvoiceOut)
async def detail(database: Database, who: Caller, pk: uuid.UUID) -> Any:
    """One invoice with its lines."""
    query = select(Invoice).options(selectinload(Invoice.lines))
    row = await database.scalar(query.where(Invoice.tenant_id == who.tenant_id, Invoice.id == pk))
    if row is None:
        raise HTTPException(404)
    return row


@app.post("/invoices", response_model=InvoiceOut, status_code=201)
async def post(
    database: Database, who: Caller, body: InvoiceIn, idempotency_key: Annotated[str, Header()]
) -> Any:
    """An invoice and its lines, its audit row and its key, in one transaction."""
    fingerprint = hashlib.sha256(body.model_dump_json().encode()).hexdigest()
    record = {"user_id": who.user_id, "key": idempotency_key, "fingerprint": fingerprint}
    try:
        await database.execute(insert(idempotency).values(record))
    except IntegrityError:
        raise HTTPException(409) from None
    query = select(Customer).where(
        Customer.tenant_id == who.tenant_id, Customer.id == body.customer
    )
    customer = await database.scalar(query)
    if customer is None:
        raise HTTPException(400)
    now = datetime.now(UTC)
    invoice = Invoice(
        id=new_id(),
        tenant_id=who.tenant_id,
        drafted_by_id=who.tenant_id,
        customer_id=customer.id,
        currency=body.currency,
        due_on=body.due_on,
        note=body.note,
        created_at=now,
        updated_at=now,
        status="draft",
        amount_paid=Decimal(0),
        amount_credited=Decimal(0),
        allowances=[],
        charges=[],
    )
    invoice.buyer = {
        "name": customer.name,
        "country": customer.country,
        "address": customer.address,
    }
    rates: dict[Decimal, Decimal] = {}
    for position, entry in enumerate(body.lines, start=1):
        amount = (entry.quantity * entry.unit_price).quantize(CENT, ROUND_HALF_UP)
        rates[entry.tax_rate] = rates.get(entry.tax_rate, Decimal(0)) + amount
        invoice.lines.append(
            InvoiceLine(
                id=new_id(),
                tenant_id=who.tenant_id,
                position=position,
                amount=amount,
                allowances=[],
                charges=[],
                **entry.model_dump(),
            )
        )
    invoice.subtotal = sum(rates.values(), Decimal(0))
    taxes = [(amount * rate / 100).quantize(CENT, ROUND_HALF_UP) for rate, amount in rates.items()]
    invoice.tax_total = sum(taxes, Decimal(0))
    invoice.total = invoice.subtotal + invoice.tax_total
    database.add(invoice)
    await database.flush()
    event = {"user_id": who.user_id, "event": "invoice.drafted", "object_id": invoice.id, "at": now}
    await database.execute(insert(audit).values(event))
    await database.commit()
    return invoice
