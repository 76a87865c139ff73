"""Requests as they arrive: any method, any bytes, any variable of the server's environment."""

from typing import Any

from django.test import Client

NOTES = "/api/v1/notes"
NOBODY = "/api/v1/notes/00000000-0000-7000-8000-000000000000"


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
    return client.generic(
        method, path, body, content_type, secure=secure, headers=sent, **environ
    )


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
