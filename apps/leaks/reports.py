"""What a report says: secrets, and where each was found."""

import re
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit

from saas.authentication import keys
from saas.authentication.oauth import tokens
from saas.edge.exposure import OUR_SECRETS
from saas.errors import invalid
from saas.validation import strict_json

MOST = 1000  # in one report; 256 KiB hold hardly more
LONGEST = {"token": 4096, "type": 200, "url": 4096, "source": 200}
REQUIRED = ("token", "type")
LONGEST_SHOWN = 300
SAFE = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")  # a host that can be shown


class Leak(NamedTuple):
    """One secret, and the page where everybody can read it."""

    secret: str
    url: str


def leaks_in(body: bytes) -> list[Leak]:
    """The leaks of a report that could be ours at all. Raises 400.

    Members that we do not know are passed by: the form is the reporter's, and a report that is
    refused for what it says besides would leave the credential alive.
    """
    items = strict_json.parse_list(body)
    if len(items) > MOST:
        raise invalid("max-length", f"A report holds at most {MOST} leaks.", pointer="")
    leaks = [leak_of(item, f"/{at}") for at, item in enumerate(items)]
    return [leak for leak in dict.fromkeys(leaks) if could_be_ours(leak.secret)]


def leak_of(item: Any, pointer: str) -> Leak:
    """One leak of a report."""
    if not isinstance(item, dict):
        raise invalid("not-an-object", "A leak is an object.", pointer=pointer)
    said: dict[str, str] = {}
    for name, longest in LONGEST.items():
        value = item.get(name)
        if value is None and name not in REQUIRED:
            value = ""
        if not isinstance(value, str) or len(value) > longest:
            text = f"This must be a string of at most {longest} characters."
            raise invalid("invalid", text, pointer=f"{pointer}/{name}")
        said[name] = value
    return Leak(said["token"], said["url"])


def could_be_ours(secret: str) -> bool:
    """Whether form and checksum are right, which everybody can tell; the rest costs nothing."""
    return keys.is_well_formed(secret) or tokens.is_well_formed(secret)


def shown(url: str) -> str:
    """A URL as people may read it in a letter: percent-encoded, cut, without user and password, and
    without any credential of ours, which may stand in it.
    """
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not SAFE.fullmatch(host):
        return ""
    rest = next(
        (
            quote(text, safe="/?=&+#-._~:,;")
            for text in (
                unquote(parts._replace(scheme="", netloc="").geturl()),
                unquote(parts.path),
            )
            if text.startswith("/") and not OUR_SECRETS.search(text)
        ),
        "/",
    )
    return f"{parts.scheme}://{host}{rest}"[:LONGEST_SHOWN]
