"""All variants answer the same: one that skips a field would be faster and a lie."""

import json
import secrets
from collections.abc import Sequence
from typing import Any

from tests.bench.serving import Server

# Ours leaves out what was not given; the rivals say null or []. Both mean nothing.
OPTIONAL = frozenset(
    [
        "allowances",
        "charges",
        "prepaid",
        "rounding",
        "delivered_on",
        "buyer_reference",
        "unit",
        "tax_category",
        "exemption_reason",
        "base_quantity",
    ]
)
OWN = frozenset({"id", "created_at", "updated_at"})  # of what each of them makes
LINE = {"description": "Consulting", "quantity": "2", "unit_price": "49.50", "tax_rate": "19.00"}


def invoice(customer: str) -> str:
    """A body with five lines."""
    lines = [{**LINE, "description": f"Consulting, part {n}", "unit": "HUR"} for n in range(5)]
    lines[4] |= {"quantity": "3", "tax_rate": "7.00"}
    return json.dumps(
        {
            "customer": customer,
            "currency": "EUR",
            "due_on": "2030-01-31",
            "note": "Thanks",
            "lines": lines,
        }
    )


def plain(document: Any, without: frozenset[str] = frozenset()) -> Any:
    """A document without what says nothing, and times in one spelling."""
    if isinstance(document, list):
        return [plain(item, without) for item in document]
    if not isinstance(document, dict):
        return document
    return {
        name: instant(value) if name in ("created_at", "updated_at") else plain(value, without)
        for name, value in document.items()
        if name not in without and not (name in OPTIONAL and value in (None, []))
    }


def instant(value: str) -> str:
    """Trailing zeros of a fraction say nothing."""
    whole, dot, fraction = value.removesuffix("Z").partition(".")
    return whole + (dot + fraction.rstrip("0") if fraction.rstrip("0") else "")


def differences(servers: Sequence[Server], ids: Sequence[str], customer: str) -> list[str]:
    """What is not the same, as sentences; none is what a bench needs."""
    found = []
    asked = {"list": ("GET", "/invoices", ""), "POST": ("POST", "/invoices", invoice(customer))}
    asked |= {f"detail of {id}": ("GET", f"/invoices/{id}", "") for id in ids}
    for name, (method, path, body) in asked.items():
        answers = {}
        for server in servers:
            status, document = server.call(
                method, path, "hot", body, f"parity-{server.name}-{secrets.token_hex(16)}"
            )
            rows = document.get("results", document) if isinstance(document, dict) else document
            answers[server.name] = (status, plain(rows, OWN if method == "POST" else frozenset()))
        expected = answers["ours"]
        if name == "list" and len(expected[1]) != 50:
            found.append(f"the list has {len(expected[1])} rows")
        found += [
            f"{name}: {other} answers {first_difference(answer, expected)}"
            for other, answer in answers.items()
            if answer != expected
        ]
    return found


def first_difference(answer: tuple[int, Any], expected: tuple[int, Any]) -> str:
    """Where two answers part."""
    if answer[0] != expected[0]:
        return f"{answer[0]} and not {expected[0]}: {str(answer[1])[:300]}"
    ours, theirs = (one[1] if isinstance(one[1], list) else [one[1]] for one in (expected, answer))
    for row, other in zip(ours, theirs, strict=False):
        for name in sorted(row.keys() | other.keys()):
            if row.get(name) != other.get(name):
                return f"{name} {other.get(name)!r}, ours {row.get(name)!r}"
    return f"{len(theirs)} rows, ours {len(ours)}"
