"""Answers, said in OpenAPI: the headers that each carries, and the one form of every refusal."""

from typing import Any

from django.conf import settings

from saas.errors import CATALOGUE
from saas.validation.documents import UUID, Schema, closed

ORIGIN = "https://api.strongroom.example"  # in examples: documents say nothing of where we serve
REQUEST = "0192a000-0000-4000-8000-000000000000"


def header(description: str, *, required: bool = True, **schema: Any) -> Schema:
    """A header of an answer."""
    return {
        "description": description,
        "required": required,
        "schema": {"type": "string", **schema},
    }


HEADERS = {
    "X-Request-Id": header("The name of this request in our logs.", format="uuid"),
    "API-Version": header("The version that answered.", pattern="^v[0-9]+$"),
    "RateLimit": header("What is left of each limit."),
    "RateLimit-Policy": header("The limits that count this operation."),
    "ETag": header("The version of what you read, for `If-Match`.", pattern='^"[^"]+"$'),
    "Location": header("Where the new row is found.", format="uri"),
    "Retry-After": header("The seconds to wait.", pattern="^[0-9]+$"),
    "WWW-Authenticate": header("How to prove who you are, or which scope is missing."),
    "Idempotency-Replayed": header("This answer repeats an earlier one.", const="true"),
}
NAMED = ("X-Request-Id", "API-Version")
COUNTED = (*NAMED, "RateLimit", "RateLimit-Policy")
OF_REFUSALS: dict[int, tuple[str, ...]] = {  # besides those that every answer has
    401: ("WWW-Authenticate",),
    429: ("Retry-After", "RateLimit", "RateLimit-Policy"),
    503: ("Retry-After",),
}
OF_SOME_REFUSALS: dict[int, tuple[str, ...]] = {403: ("WWW-Authenticate",), 409: ("Retry-After",)}

FIELD_ERROR: Schema = {
    "type": "object",
    "description": "One part of the request that is wrong.",
    "properties": {
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "pointer": {"type": "string", "description": "Into the body, as RFC 6901 writes it."},
        "parameter": {"type": "string", "description": "Of the query, or a header."},
    },
    "required": ["code", "detail"],
    "additionalProperties": False,
}


def problem() -> Schema:
    """The form of every refusal; its codes are those that there are when it is drawn."""
    return {
        "type": "object",
        "description": (
            "What went wrong, as RFC 9457 writes it. Each `code` has a page, its `type`."
        ),
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "instance": {"type": "string", "pattern": f"^urn:uuid:{UUID[1:]}"},
            "code": {"type": "string", "enum": sorted(CATALOGUE)},
            "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldError"}},
            "versions": {"type": "array", "items": {"type": "string"}},
            "violated-policies": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["type", "title", "status", "detail", "instance", "code"],
        "additionalProperties": False,
    }


def headers(*names: str, sometimes: tuple[str, ...] = ()) -> Schema:
    """The headers of an answer, as references; those of `sometimes` may be absent."""
    always: Schema = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return always | {name: {**HEADERS[name], "required": False} for name in sometimes}


def refusal(status: int) -> Schema:
    """The answer with this status: a problem with one of its codes."""
    codes = [code for code, kind in CATALOGUE.items() if kind.status == status]
    narrowed: Schema = {
        "properties": {"status": {"const": status}, "code": {"enum": sorted(codes)}}
    }
    if status == 400:
        narrowed["required"] = ["errors"]
    return {
        "description": " ".join(f"`{code}`: {CATALOGUE[code].title}." for code in codes),
        "headers": headers(
            *NAMED, *OF_REFUSALS.get(status, ()), sometimes=OF_SOME_REFUSALS.get(status, ())
        ),
        "content": {
            "application/problem+json": {
                "schema": {"allOf": [{"$ref": "#/components/schemas/Problem"}, narrowed]},
                "example": problem_example(codes[0]),
            }
        },
    }


def problem_example(code: str) -> Schema:
    """What a refusal with `code` looks like."""
    kind = CATALOGUE[code]
    body = {
        "type": f"{ORIGIN}/docs/problems/{code}",
        "title": kind.title,
        "status": kind.status,
        "detail": f"{kind.title}.",
        "instance": f"urn:uuid:{REQUEST}",
        "code": code,
    }
    return {**body, "errors": []} if kind.status == 400 else body


def json(schema: Schema, shown: Any) -> Schema:
    """A body of JSON."""
    return {"application/json": {"schema": schema, "example": shown}}


def envelope(rows: Schema) -> Schema:
    """A page of rows, and the addresses of its neighbours."""
    link = {"type": ["string", "null"], "format": "uri"}
    most = settings.LIMITS["page_max"]
    results = {"type": "array", "items": rows, "maxItems": most}
    return closed({"results": results, "next": link, "previous": link})
