"""A version of a row as one reader sees it, so that nobody overwrites what they have not read."""

import hashlib
from functools import cache
from typing import Any

from saas.errors import Problem

PATTERN = r'^"[0-9]+-[0-9a-f]{8}"$'  # for the documents


def etag(row: Any, shown: frozenset[str]) -> str:
    """A strong entity tag (RFC 9110 §8.8.3): the row's version and the set of fields that this
    reader sees.
    """
    return f'"{row.version}-{_set(shown)}"'


@cache
def _set(shown: frozenset[str]) -> str:
    return hashlib.sha256(",".join(sorted(shown)).encode()).hexdigest()[:8]


def require_match(header: str | None, current: str) -> None:
    """Hold If-Match against the row as it is now. Raises 428 without one, 412 when another version
    is meant.
    """
    if header is None:
        raise Problem("precondition-required", "Send the ETag of the row in If-Match.")
    if current not in [tag.strip() for tag in header.split(",")]:
        raise Problem("precondition-failed", "The row has changed since it was read.")
