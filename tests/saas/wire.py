"""Requests as they arrive: any method, any bytes, any variable of the server's environment."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

NOTES = "/api/v1/notes"
NOBODY = "/api/v1/notes/00000000-0000-7000-8000-000000000000"
on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="only PostgreSQL can enforce this"
)
on_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="this is how SQLite does it")


def send(
    method: str,
    path: str = NOTES,
    body: bytes = b"",
    *,
    secure: bool = True,
    key: str | None = None,
    headers: dict[str, str] | None = None,
    content_type: str = "application/json",
    **environ: Any,
) -> Any:
    """One request; `key` goes into X-API-Key, `environ` into the WSGI environment as it is."""
    sent = dict(headers or {}) | ({"X-API-Key": key} if key else {})
    client = Client(raise_request_exception=False)
    return client.generic(method, path, body, content_type, secure=secure, headers=sent, **environ)


def refused(response: Any, status: int, code: str) -> Any:
    """Assert that `response` is this problem, whole and in its form; give its document."""
    document = response.json()
    assert (response.status_code, document["code"]) == (status, code), response.content
    assert response["Content-Type"] == "application/problem+json"
    assert document["status"] == status
    assert document["instance"] == f"urn:uuid:{response['X-Request-Id']}"
    assert document["type"].endswith(f"/docs/problems/{code}")
    allowed = {"type", "title", "status", "detail", "instance", "code", "errors"}
    assert document.keys() - allowed <= {"violated-policies", "versions"}
    assert ("errors" in document) == (status == 400 or code == "guarded-field")
    return document


def but_for_instance(response: Any) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Everything that a caller sees of an answer, without what names this one request."""
    headers = {k: v for k, v in response.items() if k not in ("X-Request-Id", "RateLimit")}
    return response.status_code, headers, response.json() | {"instance": ""}


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL that the block sent, without the bounds of transactions."""
    sent: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield sent
    bounds = ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT")
    sent += [q["sql"] for q in captured.captured_queries if not q["sql"].startswith(bounds)]
