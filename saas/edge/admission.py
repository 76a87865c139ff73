"""The second door, once the route is known: the method, the size and the type of a body nobody has
read yet.
"""

from collections.abc import Iterable

from django.conf import settings
from django.http import HttpRequest

from saas.errors import Problem

BODYLESS = frozenset({"GET", "HEAD", "DELETE"})
MAX_DIGITS = 18


def admit(
    request: HttpRequest, allowed: Iterable[str], media_type: str = "application/json"
) -> None:
    """Refuse with 405, 413, 415 or 400 before a credential is looked up or a byte of the body is
    read.
    """
    admit_method(request, allowed)
    length = body_length(request)
    if length and request.method not in BODYLESS:
        admit_media_type(request, media_type)


def admit_method(request: HttpRequest, allowed: Iterable[str]) -> None:
    """Only the methods of the table; headers that ask to override the method are ignored."""
    allowed = sorted({*allowed, *({"HEAD"} if "GET" in allowed else ())})
    if request.method not in allowed:
        raise Problem("method-not-allowed", headers={"Allow": ", ".join(allowed)})


def body_length(request: HttpRequest) -> int:
    """The declared length in bytes. A body of unknown length could grow without end, so it must be
    declared.
    """
    declared = request.META.get("CONTENT_LENGTH") or ""
    if not declared and request.META.get("HTTP_TRANSFER_ENCODING"):
        raise Problem("invalid-request", "Send the body with a Content-Length.")
    if declared and not (declared.isascii() and declared.isdecimal()):
        raise Problem("invalid-request", "Content-Length is no number.")
    if len(declared) > MAX_DIGITS:  # int() itself refuses what is much longer, with a fault
        raise Problem("body-too-large")
    length = int(declared or 0)
    if length > settings.LIMITS["body_bytes"]:
        raise Problem("body-too-large")
    return length


def admit_media_type(request: HttpRequest, expected: str) -> None:
    """Only `expected`, as plain utf-8: other charsets and compressed bodies are ways around the
    size limit.
    """
    media_type, *parameters = (
        part.strip() for part in request.META.get("CONTENT_TYPE", "").split(";")
    )
    charset_only = all(
        name.strip().lower() == "charset" and value.strip().strip('"').lower() == "utf-8"
        for name, _, value in (parameter.partition("=") for parameter in parameters)
    )
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "identity").lower()
    if media_type.lower() != expected or not charset_only or encoding != "identity":
        raise Problem("unsupported-media-type", headers={"Accept": expected})
