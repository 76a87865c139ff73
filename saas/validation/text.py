"""Text is normalised and kept as it was meant; what only tricks a reader is refused, and nothing is
stripped.
"""

import re
import unicodedata

# Bidirectional overrides and isolates (they reorder what a person reads), zero-width joins of
# nothing, and the control characters but tab and the line ends.
BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
LINE_ENDS = frozenset("\n\r\t")


def clean(value: str, *, multiline: bool = False) -> str | None:
    """`value` in NFC and trimmed, or None when it holds a control or bidi character.

    Markup stays: it is data here, and each place that shows it encodes it (INPUT-05).
    """
    value = unicodedata.normalize("NFC", value).strip()
    allowed = LINE_ENDS if multiline else frozenset()
    for character in value:
        if character in BIDI or (
            unicodedata.category(character) in {"Cc", "Cs"} and character not in allowed
        ):
            return None
    return value


# One linear pass: no quantifier stands inside another, so no input can make it crawl (INPUT-09).
LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
MAX_EMAIL = 254


def email(value: str) -> str | None:
    """The address with its domain in lower-case ASCII (IDNA), or None. Length as RFC 5321
    §4.5.3.1.3.
    """
    local, at, domain = value.rpartition("@")
    if not at or len(value) > MAX_EMAIL or not LOCAL.fullmatch(local):
        return None
    if local.startswith(".") or local.endswith(".") or ".." in local:
        return None
    try:
        domain = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    labels = domain.split(".")
    if len(labels) < 2 or not all(LABEL.fullmatch(label) for label in labels):
        return None
    address = f"{local}@{domain}"
    return address if len(address) <= MAX_EMAIL else None
