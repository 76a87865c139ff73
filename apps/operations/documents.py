"""The documents of the API: drawn from the views, committed as a file, and served as that file."""

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import cache, wraps
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from saas.edge.admission import admit
from saas.errors import problem_response
from saas.responses.problems import as_problem
from saas.throttling import limits
from saas.validation.inputs import Filters, judge_query, read_body

FOLDER = Path(settings.BASE_DIR) / "openapi"
FILE = FOLDER / f"{settings.SAAS_API_VERSION}.json"
View = Callable[[HttpRequest], HttpResponse]


def drawn() -> str:
    """The document as the file holds it. The generator is imported here: no request needs it."""
    from drf_spectacular.validation import validate_schema

    from saas.schema import SecureGenerator

    document = SecureGenerator().get_schema()
    validate_schema(document)
    return json.dumps(document, indent=1) + "\n"


class Committed(NamedTuple):
    """The file as it is served."""

    body: bytes
    etag: str


@cache
def committed() -> Committed:
    """The file of this version; it does not change while this process runs."""
    body = FILE.read_bytes()
    return Committed(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def for_anybody(document: Mapping[str, Any]) -> Callable[[View], View]:
    """A view that needs no credential; `document` is what OpenAPI says of it.

    Who proves nothing is counted against their network, and judged as strictly as everybody.
    """

    def wrapped(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest) -> HttpResponse:
            try:
                admit(request, ["GET"])
                limits.count_stranger(request)
                read_body(request)
                judge_query(Filters, request, own=frozenset(), hidden=frozenset())
                return view(request)
            except Exception as fault:  # as the spine does
                return problem_response(as_problem(fault), request)

        answer.document = document  # type: ignore[attr-defined]  # read by saas.schema
        return answer

    return wrapped


@for_anybody(
    {
        "operationId": "openapi.retrieve",
        "summary": "This document",
        "tagged": True,
        "schema": {
            "type": "object",
            "required": ["openapi", "info", "paths"],
            "properties": {"openapi": {"type": "string", "pattern": r"^3\.1\."}},
        },
        "example": {"openapi": "3.1.1", "info": {}, "paths": {}},
    }
)
def openapi(request: HttpRequest) -> HttpResponse:
    """The committed document; 304 for who has it already."""
    file = committed()
    headers = {"ETag": file.etag}
    known = [tag.strip() for tag in request.headers.get("If-None-Match", "").split(",")]
    if file.etag in known:
        return HttpResponse(status=304, headers=headers)
    return HttpResponse(file.body, content_type="application/json", headers=headers)


@for_anybody(
    {
        "operationId": "versions.list",
        "summary": "The versions of the API",
        "tagged": False,
        "schema": {
            "type": "object",
            "required": ["versions"],
            "additionalProperties": False,
            "properties": {
                "versions": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["name", "released_on"],
                        "additionalProperties": False,
                        "properties": {
                            "name": {"type": "string", "pattern": "^v[0-9]+$"},
                            "released_on": {"type": "string", "format": "date"},
                        },
                    },
                }
            },
        },
        "example": {"versions": [{"name": "v1", "released_on": "2026-11-22"}]},
    }
)
def versions(request: HttpRequest) -> HttpResponse:
    """Every version that answers, and the day of its release."""
    released = sorted(settings.SAAS_API_VERSIONS.items())
    return JsonResponse(
        {"versions": [{"name": name, "released_on": str(day)} for name, day in released]}
    )
