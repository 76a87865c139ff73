"""What a signature covers: the components of a request, the base that is signed, and the digest of
its body.
"""

import hashlib
import re
from collections.abc import Callable
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.http import HttpRequest

from saas.authentication.signatures.fields import InnerList, Invalid, byte_sequence, dictionary
from saas.crypto import equal

FIELD = re.compile(r"[a-z0-9-]+")
DEFAULT_PORTS = {"https": ":443", "http": ":80"}
DIGESTS = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}  # RFC 9530 §5: the others are weak
ALWAYS = ("@method", "@authority", "@path", "@query")
WHERE_PRESENT = ("content-digest", "idempotency-key", "authorization", "x-api-key")
OF_A_BODY = ("content-digest", "content-type")  # without one some servers make up a type


def must_cover(request: HttpRequest) -> set[str]:
    """Everything by which a request could be made to mean something else."""
    present = {name for name in WHERE_PRESENT if field(request, name)}
    has_body = request.META.get("CONTENT_LENGTH") not in (None, "", "0")
    return {*ALWAYS, *present, *(OF_A_BODY if has_body else ())}


def component(request: HttpRequest, name: str) -> str:
    """The value of one component (RFC 9421 §2). Raises Invalid when the request does not have it.

    Scheme and authority are those of our own origin: what a request says of them is a claim, and
    a request that was signed for another service must not be good here.
    """
    origin = urlsplit(settings.SAAS_ORIGIN)
    path = quote(request.path, safe="/~!$&'()*+,;=:@")
    query = str(request.META.get("QUERY_STRING") or "")
    value: str | None
    match name:
        case "@method":
            value = request.META["REQUEST_METHOD"]  # as it was sent: Django's own is in capitals
        case "@scheme":
            value = origin.scheme
        case "@authority":
            value = origin.netloc.lower().removesuffix(DEFAULT_PORTS[origin.scheme])
        case "@path":
            value = path
        case "@query":
            value = f"?{query}"
        case "@target-uri":
            value = settings.SAAS_ORIGIN + path + (f"?{query}" if query else "")
        case _:
            value = field(request, name) if FIELD.fullmatch(name) else None
    # A line end inside a value would write lines of its own into the base.
    if value is None or not (value.isascii() and value.isprintable()):
        raise Invalid(f"{name} is covered, and this request does not have it.")
    return value


def field(request: HttpRequest, name: str) -> str | None:
    """A header as it was sent, or None."""
    place = name.upper().replace("-", "_")
    place = place if place in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{place}"
    value: str | None = request.META.get(place)
    if value is None or (value == "" and not place.startswith("HTTP_")):
        return None
    return value.strip(" \t")


def signature_base(covered: InnerList, value_of: Callable[[str], str]) -> bytes:
    """The bytes that are signed (RFC 9421 §2.5); the parameters are their last line."""
    lines = [f'"{name}": {value_of(name)}' for name in covered.names]
    return "\n".join([*lines, f'"@signature-params": {covered.text}']).encode()


def check_digest(content_digest: str, body: bytes) -> None:
    """Hold the digest against the bytes that arrived (RFC 9530 §2): the signature is about the
    digest alone. Raises Invalid.
    """
    digests = dictionary("Content-Digest", content_digest, byte_sequence)
    known = DIGESTS.keys() & digests.keys()
    if not known:
        raise Invalid("Content-Digest wants sha-256 or sha-512.")
    if not all(equal(DIGESTS[name](body).hexdigest(), digests[name].hex()) for name in known):
        raise Invalid("Content-Digest is not that of the body.")
