"""The form of a token: a prefix that scanners find, random text, a checksum; and its digest."""

import hashlib
import re
from typing import Any

from saas.authentication.keys import checksum
from saas.crypto import equal, random_text

ACCESS, REFRESH = "sr_at_", "sr_rt_"
LENGTH = 55  # of base62: 327 bits
FORM = re.compile(rf"({ACCESS}|{REFRESH})[0-9A-Za-z]{{{LENGTH + 6}}}")


def access_token(request: Any) -> str:
    """A new access token, for the toolkit's setting."""
    return _minted(ACCESS)


def refresh_token(request: Any) -> str:
    """A new refresh token, for the toolkit's setting."""
    return _minted(REFRESH)


def _minted(prefix: str) -> str:
    body = prefix + random_text(LENGTH)
    return body + checksum(body)


def is_well_formed(secret: str) -> bool:
    """Whether this can be a token of ours at all; everything else ends here, without a query."""
    return bool(FORM.fullmatch(secret)) and equal(checksum(secret[:-6]), secret[-6:])


def checksum_of(secret: str) -> str:
    """What the toolkit stores of a token: SHA-256 in hex. Tokens are random and long enough for
    it.
    """
    return hashlib.sha256(secret.encode()).hexdigest()
