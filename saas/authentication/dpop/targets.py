"""One spelling for each URI, so that a proof is held against where it arrived and nothing else."""

import re
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.utils.encoding import escape_uri_path

WRITTEN = re.compile(r"[!-~]{1,2048}")  # urlsplit drops tabs and line breaks without a word
ENCODED = re.compile(r"%([0-9A-Fa-f]{2})")
UNRESERVED = re.compile(r"[A-Za-z0-9\-._~]")
PORTS = {"http": 80, "https": 443}


def target_of(request: HttpRequest) -> str:
    """Where this request arrived. The origin is configured: by its Host a request could say that it
    came to another server, and bring a proof that was made there.
    """
    return normal(settings.SAAS_ORIGIN + escape_uri_path(request.path))


def normal(uri: str) -> str:
    """`uri` without query and fragment, normalised by syntax and scheme (RFC 3986 §6.2.2, §6.2.3).

    Raises ValueError when it is no http(s) URI, or names a user.
    """
    if not WRITTEN.fullmatch(uri):
        raise ValueError("Not a URI.")
    parts = urlsplit(uri)
    scheme, host = parts.scheme.lower(), parts.hostname
    if scheme not in PORTS or not host or "@" in parts.netloc:
        raise ValueError("Not a URI of HTTP.")
    host = f"[{host}]" if ":" in host else host
    path = without_dots(ENCODED.sub(_plain, parts.path or "/"))
    return f"{scheme}://{host}:{parts.port or PORTS[scheme]}{path}"


def _plain(match: re.Match[str]) -> str:
    """An unreserved character stands for itself; of all else the digits are upper case."""
    character = chr(int(match[1], 16))
    return character if UNRESERVED.fullmatch(character) else match[0].upper()


def without_dots(path: str) -> str:
    """An absolute path with its `.` and `..` taken out (RFC 3986 §5.2.4)."""
    kept: list[str] = []
    _, *segments = path.split("/")
    for segment in segments:
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
