"""JSON that means one thing: no duplicate keys, no NaN, no depth bomb, no bytes after the end."""

import json
import re
from decimal import Decimal
from typing import Any

from saas.errors import invalid

MAX_DEPTH = 32
MAX_DIGITS = 400
STRUCTURE = re.compile(
    r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL
)  # possessive, quote optional: linear on any text
SURROGATE = re.compile("[\ud800-\udfff]")


class Fraction(Decimal):
    """A number that was written with a point or an exponent: no integer, and no money."""


def parse(body: bytes) -> dict[str, Any]:
    """The object that `body` holds. Raises 400 for everything else."""
    value = _parsed(body)
    if not isinstance(value, dict):
        raise invalid("not-an-object", "The body must be a JSON object.", pointer="")
    return value


def parse_list(body: bytes) -> list[Any]:
    """The array that `body` holds. Raises 400 for everything else."""
    value = _parsed(body)
    if not isinstance(value, list):
        raise invalid("not-a-list", "The body must be a JSON array.", pointer="")
    return value


def _parsed(body: bytes) -> Any:
    """What `body` says, to whoever reads it.

    Two readers of one body must not understand two things (duplicate keys), and nothing in it
    may cost more than its bytes (depth, digits). RFC 8259, I-JSON (RFC 7493).
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise invalid("encoding", "The body is not UTF-8.", pointer="") from None
    if text.startswith("\ufeff"):
        raise invalid("encoding", "The body starts with a byte order mark.", pointer="")
    _refuse_depth(text)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=_number,
            parse_int=_integer,
            parse_constant=_constant,
        )
    except (ValueError, ArithmeticError, RecursionError):  # 1e9999999999999999999 is no Decimal
        raise invalid("malformed", "The body is not valid JSON.", pointer="") from None
    if "\\u" in text:  # UTF-8 and JSON let them in no other way
        _refuse_bad_text(value)
    return value


def _refuse_depth(text: str) -> None:
    """Count brackets outside strings before the parser recurses."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for piece in STRUCTURE.findall(text):
        if piece in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise invalid("too-deep", f"The body nests deeper than {MAX_DEPTH}.", pointer="")
        elif piece in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise invalid("duplicate-key", "An object holds the same key twice.", pointer="")
    return result


def _number(text: str) -> Fraction:
    if len(text) > MAX_DIGITS:
        raise invalid("too-long", "A number is too long.", pointer="")
    return Fraction(text)


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise invalid("too-long", "A number is too long.", pointer="")
    return int(text)


def _constant(name: str) -> Any:
    raise invalid("malformed", f"{name} is not JSON.", pointer="")


def _refuse_bad_text(value: Any) -> None:
    """NUL ends strings in databases and logs; a lone surrogate cannot be written as UTF-8 at
    all.
    """
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending += [*item.keys(), *item.values()]
        elif isinstance(item, list):
            pending += item
        elif isinstance(item, str) and ("\0" in item or SURROGATE.search(item)):
            raise invalid("text", "A text holds NUL or half a surrogate pair.", pointer="")
