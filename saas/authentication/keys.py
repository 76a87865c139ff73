"""The form of an API key: a prefix that scanners find, a public id, 256 random bits, a checksum."""

import re
import zlib
from typing import NamedTuple

from saas.crypto import ALPHABET, digest, equal, random_text

PREFIX = "sr_live_"
PUBLIC_ID = 12
SECRET = 43  # of base62: 256 bits
CHECKSUM = 6
FORM = re.compile(
    rf"{PREFIX}([0-9A-Za-z]{{{PUBLIC_ID}}})[0-9A-Za-z]{{{SECRET}}}[0-9A-Za-z]{{{CHECKSUM}}}"
)


class Minted(NamedTuple):
    """A new key: `secret` is shown once, `public_id` names it for ever, `digest` is what we
    keep.
    """

    secret: str
    public_id: str
    digest: str


def mint() -> Minted:
    """A new random key."""
    public_id = random_text(PUBLIC_ID)
    body = PREFIX + public_id + random_text(SECRET)
    secret = body + checksum(body)
    return Minted(secret, public_id, digest(secret))


def checksum(body: str) -> str:
    """CRC-32 in six characters of base62: tells a typo from a guess, and protects nothing."""
    number = zlib.crc32(body.encode())
    text = ""
    for _ in range(CHECKSUM):
        number, rest = divmod(number, len(ALPHABET))
        text = ALPHABET[rest] + text
    return text


def is_well_formed(secret: str) -> bool:
    """Whether this can be a key at all; guesses and typos end here, without a query."""
    return bool(FORM.fullmatch(secret)) and equal(checksum(secret[:-CHECKSUM]), secret[-CHECKSUM:])


def public_id_of(secret: str) -> str:
    """The part of a well-formed key that names it."""
    return secret[len(PREFIX) :][:PUBLIC_ID]
