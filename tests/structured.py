"""Structured Fields as RFC 9651 §4.2 reads a List of Strings with parameters: strictly."""

import re

STRING = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
INTEGER = re.compile(r"-?\d{1,15}(?![\d.])")
TOKEN = re.compile(r"[A-Za-z*][!#$%&'*+.^_`|~:/0-9A-Za-z-]*")
BYTES = re.compile(r":[A-Za-z0-9+/=]*:")
KEY = re.compile(r"[a-z*][a-z0-9_.*-]*")

type Parameters = dict[str, str | int | bool]


def parse_list(text: str) -> list[tuple[str, Parameters]]:
    """The members of a List of Strings, each with its parameters. Raises ValueError."""
    if not text.isascii():
        raise ValueError(text)
    members, at = [], 0
    while True:
        name, at = _taken(STRING, text, at)
        parameters, at = _parameters(text, at)
        members.append((name[1:-1], parameters))
        if at == len(text):
            return members
        _, at = _taken(re.compile(r"[ \t]*,[ \t]*"), text, at)


def _parameters(text: str, at: int) -> tuple[Parameters, int]:
    found: Parameters = {}
    while text[at : at + 1] == ";":
        _, at = _taken(re.compile("; *"), text, at)
        key, at = _taken(KEY, text, at)
        found[key] = True
        if text[at : at + 1] == "=":
            found[key], at = _bare_item(text, at + 1)
    return found, at


def _bare_item(text: str, at: int) -> tuple[str | int, int]:
    for form in (STRING, INTEGER, TOKEN, BYTES):
        if match := form.match(text, at):
            value = match[0]
            return (int(value) if form is INTEGER else value.strip('"')), match.end()
    raise ValueError(text[at:])


def _taken(form: re.Pattern[str], text: str, at: int) -> tuple[str, int]:
    match = form.match(text, at)
    if match is None:
        raise ValueError(f"{text!r} at {at}")
    return match[0], match.end()
