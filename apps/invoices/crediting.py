"""What is taken back of an issued invoice: never more than was claimed, of any line or in all."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from apps.invoices import queries
from apps.invoices.access import CreditNoteEvent, InvoiceEvent
from apps.invoices.models import ZERO, CreditNote, CreditNoteLine, Invoice, InvoiceLine
from apps.invoices.money import EXACT, rounded
from apps.invoices.numbering import CREDIT_NOTES, next_number
from apps.invoices.pricing import adjustment_of, shares
from apps.invoices.settlement import refuse_unless_claimed, save_settled
from apps.invoices.tax import category_of
from apps.invoices.totals import Totals, line_amount, tax
from apps.organizations.queries import today
from saas.audit import trail
from saas.context import Actor
from saas.errors import FieldError, Problem, invalid

type Group = tuple[str, Decimal]  # a tax category and its rate
type Asked = Sequence[Mapping[str, Any]]


class Credited(NamedTuple):
    """How much of one line has been taken back."""

    quantity: Decimal
    amount: Decimal


NOTHING = Credited(ZERO, ZERO)


def cancel_invoice(actor: Actor, invoice: Invoice, *, reason: str | None = None) -> CreditNote:
    """Take back all that is left of `invoice`, whose row is locked: it becomes void.

    Raises 409 for what is no claim (any more), and while a payment lives.
    """
    refuse_unless_claimed(invoice)
    if invoice.amount_paid:
        raise Problem("conflict", "Payments live on this invoice: reverse them first.")
    before = credited(invoice)
    rest = [
        CreditNoteLine(
            invoice_line=line,
            quantity=line.quantity - before[line.pk].quantity,
            amount=line.amount - before[line.pk].amount,
        )
        for line in invoice.positions
        if line.quantity != before[line.pk].quantity
    ]
    note = CreditNote(
        invoice=invoice, reason=reason, allowances=invoice.allowances, charges=invoice.charges
    )
    left = left_of(invoice)
    invoice.status = "void"
    note = _issue(actor, invoice, note, rest, left)
    trail.record(actor, InvoiceEvent.CANCELLED, invoice, credit_note=str(note.pk))
    return note


def credit_lines(actor: Actor, invoice: Invoice, *, reason: str, lines: Asked) -> CreditNote:
    """Take back some of the lines of `invoice`, whose row is locked; it lowers what is due.

    Raises 400 for a line that is not its own or is named twice, 409 for what is no claim (any
    more) and for more than is left of a line, of a tax rate or of what is due.
    """
    refuse_unless_claimed(invoice)
    before = credited(invoice)
    own = {line.pk: line for line in invoice.positions}
    _refuse_strange_lines(own, lines)
    parts = [_part(own[each["invoice_line"]], each["quantity"], before) for each in lines]
    counted = _totals(invoice, before, parts)
    if min(counted) < 0:
        raise invalid("min", "A credit note may not come to less than zero.", pointer="/lines")
    if counted.total > invoice.amount_due:
        raise Problem("over-credit", "This is more than is due.")
    if any(taken > left for taken, left in zip(counted, left_of(invoice), strict=True)):
        raise Problem("over-credit", "This is more than is left of what the invoice came to.")
    note = CreditNote(invoice=invoice, reason=reason)
    return _issue(actor, invoice, note, parts, counted)


def credited(invoice: Invoice) -> dict[Any, Credited]:
    """What has been taken back of each line so far, by the id of the line."""
    found: dict[Any, Credited] = defaultdict(lambda: NOTHING)
    rows = queries.credited_lines(invoice).values_list("invoice_line_id", "quantity", "amount")
    for line_id, quantity, amount in rows:
        found[line_id] = Credited(
            found[line_id].quantity + quantity, found[line_id].amount + amount
        )
    return found


def left_of(invoice: Invoice) -> Totals:
    """What the invoice came to, less its credit notes: so that all of them sum up to it exactly."""
    left = Totals(invoice.subtotal, invoice.tax_total, invoice.total)
    for taken in queries.credit_notes_in_brief().filter(invoice=invoice):
        left = Totals(
            left.subtotal - taken.subtotal,
            left.tax_total - taken.tax_total,
            left.total - taken.total,
        )
    return left


def _refuse_strange_lines(own: Mapping[Any, InvoiceLine], lines: Asked) -> None:
    """A line of another invoice, or of another tenant's, is no line; each may be named once."""
    faults, seen = [], set()
    for index, each in enumerate(lines):
        pointer = f"/lines/{index}/invoice_line"
        if each["invoice_line"] not in own:
            faults.append(FieldError("not-found", "The invoice has no such line.", pointer=pointer))
        elif each["invoice_line"] in seen:
            faults.append(FieldError("repeated", "Each line may stand once.", pointer=pointer))
        seen.add(each["invoice_line"])
    if faults:
        raise Problem("invalid-request", "Some lines are not valid.", errors=faults)


def _part(line: InvoiceLine, quantity: Decimal, before: Mapping[Any, Credited]) -> CreditNoteLine:
    """`quantity` of a line, at what it cost; whoever takes back all of it, however often, gets
    exactly its amount. Raises 409 for more than is left of it.
    """
    sum_ = before[line.pk].quantity + quantity
    if quantity * line.quantity < 0 or abs(sum_) > abs(line.quantity):
        left = line.quantity - before[line.pk].quantity
        raise Problem("over-credit", f"No more than {left.normalize():f} is left of a line.")
    share = EXACT.divide(EXACT.multiply(adjustment_of(line), sum_), line.quantity)
    upto = line_amount(sum_, line.unit_price, line.base_quantity, share, line.invoice.currency)
    return CreditNoteLine(
        invoice_line=line, quantity=quantity, amount=upto - before[line.pk].amount
    )


def _totals(
    invoice: Invoice, before: Mapping[Any, Credited], parts: Iterable[CreditNoteLine]
) -> Totals:
    """What `parts` come to. The tax of a category and rate is the difference between that on all
    that is taken back of it now and that before, each rounded once. Raises 409 for more than the
    invoice claimed under a category and rate.
    """
    claimed = _groups(invoice)
    then: dict[Group, Decimal] = defaultdict(lambda: ZERO)
    for line in invoice.positions:
        then[group_of(line)] += before[line.pk].amount
    now = then.copy()
    for part in parts:
        now[group_of(part.invoice_line)] += part.amount
    tax_total = ZERO
    for group, amount in now.items():
        if not min(ZERO, claimed[group]) <= amount <= max(ZERO, claimed[group]):
            raise Problem("over-credit", "This is more than was claimed under its tax rate.")
        tax_total += _tax(amount, group, invoice) - _tax(then[group], group, invoice)
    subtotal = sum(now.values(), ZERO) - sum(then.values(), ZERO)
    return Totals(subtotal, tax_total, subtotal + tax_total)


def _groups(invoice: Invoice) -> dict[Group, Decimal]:
    """The net amount that the invoice claimed under each category and rate."""
    groups: dict[Group, Decimal] = defaultdict(lambda: ZERO)
    for category, rate, amount in shares(invoice):
        groups[category, rate] += amount
    return groups


def group_of(line: InvoiceLine) -> Group:
    """The category and rate under which a line is taxed."""
    return category_of(line.tax_category, line.tax_rate), line.tax_rate


def _tax(amount: Decimal, group: Group, invoice: Invoice) -> Decimal:
    return rounded(tax(amount, group[1]), invoice.currency)


def _issue(
    actor: Actor, invoice: Invoice, note: CreditNote, lines: list[CreditNoteLine], counted: Totals
) -> CreditNote:
    """Write a credit note and what it does to its invoice. Its lines come first: none may join
    a note that stands.
    """
    note.currency = invoice.currency
    note.subtotal, note.tax_total, note.total = counted
    note.issued_on = today()
    note.positions = lines
    for position, line in enumerate(lines, start=1):
        line.credit_note, line.position = note, position
    CreditNoteLine.objects.bulk_create(lines)
    invoice.amount_credited += note.total
    save_settled(invoice)
    note.number = next_number(CREDIT_NOTES, note.issued_on.year)  # last: it locks the series
    note.save(force_insert=True)
    trail.record(actor, CreditNoteEvent.ISSUED, note, number=note.number, invoice=str(invoice.pk))
    return note
