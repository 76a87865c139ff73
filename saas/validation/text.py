"""Text is normalised and kept as it was meant; what only tricks a reader is refused, and nothing is
stripped.
"""

import re
import unicodedata

# Control characters, bidirectional marks, overrides and isolates (they reorder what a person
# reads), and the byte order mark (it shows as nothing): as the inside of a character class. Where
# one line is meant, the two separators of Unicode too: the subject of a mail cannot hold them.
BIDI = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"
REFUSED = rf"\u0000-\u001f\u007f-\u009f\u2028\u2029{BIDI}"
REFUSED_IN_LINES = rf"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f{BIDI}"
HALVES = r"\ud800-\udfff"  # of surrogate pairs; no document can carry one
TRICKS = {
    False: re.compile(f"[{REFUSED}{HALVES}]"),
    True: re.compile(f"[{REFUSED_IN_LINES}{HALVES}]"),
}


def clean(value: str, *, multiline: bool = False) -> str | None:
    """`value` in NFC and trimmed, or None when it holds a control or bidi character.

    Markup stays: it is data here, and each place that shows it encodes it (INPUT-05).
    """
    if TRICKS[multiline].search(value):
        return None
    return unicodedata.normalize("NFC", value).strip()


def pattern(*, multiline: bool = False, blank: bool = False) -> str:
    """What `clean` lets through, as an ECMA regular expression for the documents."""
    refused = REFUSED_IN_LINES if multiline else REFUSED
    return rf"^[^{refused}]*$" if blank else rf"^[^{refused}]*[^{refused}\s][^{refused}]*$"


# One linear pass: no quantifier stands inside another, so no input can make it crawl (INPUT-09).
LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
MAX_EMAIL = 254
# For the documents. The last label holds no number alone: 127.0.0.1 names a machine, not a domain.
EMAIL_PATTERN = rf"^{LOCAL.pattern}@([^\s@.]+\.)+[^\s@.]*[^\s@.0-9][^\s@.]*$"


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
    if labels[-1].isdecimal():  # an address of the network: mail must not reach machines by it
        return None
    address = f"{local}@{domain}"
    return address if len(address) <= MAX_EMAIL else None
