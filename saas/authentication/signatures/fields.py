"""Structured fields (RFC 9651) as signatures use them, read strictly: what could be written in two
ways is read in one, so that no byte of a signed field can change unnoticed.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import NamedTuple

MAX_MEMBERS = 8  # a request passes few proxies that sign, and each member costs time
KEY = re.compile(r"[a-z*][a-z0-9_.*-]*")
STRING = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*+)"')
NUMBER = re.compile(r"-?[0-9]{1,15}(?![0-9.])")
DECIMAL = re.compile(r"-?[0-9]{1,12}\.[0-9]{1,3}(?![0-9])")
BYTES = re.compile(r":([A-Za-z0-9+/]*+={0,2}):")
OTHER = re.compile(r"\?[01]|[A-Za-z*][A-Za-z0-9:/!#$%&'*+.^_`|~-]*")  # a boolean or a token
BETWEEN = re.compile(r"[ \t]*,[ \t]*")

type Value = str | int | bytes | None  # None: anything that no signature of ours holds


class Invalid(Exception):
    """A signature, or what it stands on, is not what it must be; the text may be told."""


class InnerList(NamedTuple):
    """A list of names with parameters, and the text in which it was written."""

    names: tuple[str, ...]
    parameters: dict[str, Value]
    text: str


class Reader:
    """A field's value, read from left to right."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text, self.at = name, text, 0

    def meets(self, form: re.Pattern[str] | str) -> re.Match[str] | None:
        """What stands here, if it has this form; then the reader is behind it."""
        form = re.compile(re.escape(form)) if isinstance(form, str) else form
        found = form.match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def expect(self, form: re.Pattern[str] | str) -> re.Match[str]:
        """What stands here. Raises Invalid when it has another form."""
        found = self.meets(form)
        if found is None:
            raise Invalid(f"{self.name} is malformed.")
        return found

    @property
    def is_at_end(self) -> bool:
        """Whether nothing is left."""
        return self.at == len(self.text)


def dictionary[T](name: str, text: str | None, member: Callable[[Reader], T]) -> dict[str, T]:
    """The members of a dictionary by their keys; a key that stands twice is refused."""
    if text is None:
        raise Invalid(f"{name} is missing.")
    reader = Reader(name, text.strip(" \t"))
    found: dict[str, T] = {}
    while True:
        key = reader.expect(KEY)[0]
        reader.expect("=")
        if key in found or len(found) == MAX_MEMBERS:
            raise Invalid(f"{name} is malformed.")
        found[key] = member(reader)
        if reader.is_at_end:
            return found
        reader.expect(BETWEEN)


def byte_sequence(reader: Reader) -> bytes:
    """A byte sequence, in the one spelling that its bytes have."""
    written = reader.expect(BYTES)[1]
    try:
        decoded = b64decode(written, validate=True)
    except ValueError:
        raise Invalid(f"{reader.name} is malformed.") from None
    if b64encode(decoded).decode() != written:  # the last character has bits that say nothing
        raise Invalid(f"{reader.name} is malformed.")
    return decoded


def inner_list(reader: Reader) -> InnerList:
    """A list of strings. A string with parameters of its own is kept under a name that is none."""
    start = reader.at
    names: list[str] = []
    reader.expect("(")
    while not reader.meets(")"):
        if names:
            reader.expect(" ")
        name = _unescaped(reader.expect(STRING)[1])
        own = parameters(reader)
        names.append(f"{name};" if own else name)
    found = parameters(reader)
    return InnerList(tuple(names), found, reader.text[start : reader.at])


def parameters(reader: Reader) -> dict[str, Value]:
    """The parameters that stand here; one that stands twice is refused."""
    found: dict[str, Value] = {}
    while reader.meets(";"):
        key = reader.expect(KEY)[0]
        if key in found:
            raise Invalid(f"{reader.name} is malformed.")
        found[key] = bare_item(reader) if reader.meets("=") else None
    return found


def bare_item(reader: Reader) -> Value:
    """A string, an integer, a byte sequence, or something else of the right form."""
    if string := reader.meets(STRING):
        return _unescaped(string[1])
    if number := reader.meets(NUMBER):
        return int(number[0])
    if reader.text.startswith(":", reader.at):
        return byte_sequence(reader)
    if not reader.meets(DECIMAL):
        reader.expect(OTHER)
    return None


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
