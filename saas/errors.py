"""One vocabulary of refusals: every error is a problem document of RFC 9457, and every code has a
page.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponse

RETRY_SOON = 2

# What the machine endpoints call a problem (RFC 6749 §5.2, RFC 6750 §3.1); the rest is a mistake
# of the request.
OAUTH_ERRORS = {
    "invalid-token": "invalid_token",
    "insufficient-scope": "insufficient_scope",
    "network-not-allowed": "access_denied",
    "rate-limited": "temporarily_unavailable",
    "not-ready": "temporarily_unavailable",
    "internal-error": "server_error",
}


class Kind(NamedTuple):
    """A row of the catalogue: what the code means and what an honest client can do about it."""

    status: int
    title: str
    help: str


CATALOGUE: dict[str, Kind] = {
    "invalid-request": Kind(
        400,
        "The request is not valid",
        "Read `errors`: each entry points at one part of the request and says what is "
        "wrong with it. Correct it and send it again.",
    ),
    "credential-in-url": Kind(
        400,
        "A credential stood in the URL",
        "URLs are written to logs, histories and referrers. Send the credential in a "
        "header. The one that was sent has been revoked if it was real: make a new one.",
    ),
    "multiple-credentials": Kind(
        400,
        "More than one credential was sent",
        "Send exactly one: `Authorization` or `X-API-Key`.",
    ),
    "invalid-token": Kind(
        401,
        "The credential is missing or not valid",
        "Send an API key in `X-API-Key`, or an access token as `Authorization: Bearer`. The "
        "one that was sent may be mistyped, expired or revoked.",
    ),
    "step-up-required": Kind(
        401,
        "A fresh sign-in by two factors is required",
        "The person must sign in again: send them to the authorization endpoint with the "
        "`acr_values` and `max_age` that the `WWW-Authenticate` header names, and repeat the "
        "request with the new token.",
    ),
    "https-required": Kind(
        403,
        "HTTPS is required",
        "The request travelled in clear, so its credential is lost: it has been revoked "
        "if it was real. Use https:// and a new credential.",
    ),
    "network-not-allowed": Kind(
        403,
        "Not from this network",
        "This key, or this organization, works from the networks that were named for it, and from "
        "no other. Call from there, or have an owner or admin name where you are.",
    ),
    "insufficient-scope": Kind(
        403,
        "The credential lacks a scope",
        "The `WWW-Authenticate` header names the scope. Make a credential that carries it.",
    ),
    "permission-denied": Kind(
        403,
        "Not permitted",
        "The role of the person behind this credential does not allow this. Ask an owner "
        "or admin of the organization.",
    ),
    "guarded-field": Kind(
        403,
        "A field may not be written",
        "`errors` names the fields that this credential may not write. Leave them out.",
    ),
    "not-found": Kind(
        404,
        "There is nothing here",
        "The path, or the row it names, does not exist for this organization.",
    ),
    "unknown-version": Kind(
        404,
        "Unknown version of the API",
        "Use one of the versions that `versions` lists.",
    ),
    "method-not-allowed": Kind(
        405,
        "Method not allowed",
        "`Allow` lists what this path answers.",
    ),
    "conflict": Kind(
        409,
        "The state of the row does not allow this",
        "Read the row again; `detail` says which state stands in the way.",
    ),
    "overpayment": Kind(
        409,
        "More than is due",
        "Read the invoice again; `amount_due` is the most that a payment may be.",
    ),
    "over-credit": Kind(
        409,
        "More than is left to credit",
        "Read the invoice and its credit notes: no line is credited beyond its quantity, and "
        "nothing beyond what is due. Reverse a payment first if it is to be returned.",
    ),
    "idempotency-conflict": Kind(
        409,
        "An equal request is still under way",
        "Wait as long as `Retry-After` says and send the same request again.",
    ),
    "erased": Kind(
        410,
        "What was stored here has been erased",
        "The keys of this organization were destroyed, so that nobody can read its sealed values "
        "any more. Nothing brings them back.",
    ),
    "precondition-failed": Kind(
        412,
        "The row has changed",
        "Read the row again and repeat the change with its new `ETag` in `If-Match`.",
    ),
    "body-too-large": Kind(
        413,
        "The body is too large",
        "A body may have 256 KiB. Split the work over several requests.",
    ),
    "uri-too-long": Kind(
        414,
        "The URL is too long",
        "A URL may have 4 KiB.",
    ),
    "unsupported-media-type": Kind(
        415,
        "Unsupported media type",
        "Send `Content-Type: application/json` without a charset, or with utf-8, and "
        "without a content encoding.",
    ),
    "idempotency-mismatch": Kind(
        422,
        "This Idempotency-Key was used for another request",
        "A key names one request. Use a new one for a new request.",
    ),
    "precondition-required": Kind(
        428,
        "If-Match is required",
        "Read the row, and send its `ETag` in `If-Match`, so that nobody's change is lost.",
    ),
    "rate-limited": Kind(
        429,
        "Too many requests",
        "Wait as long as `Retry-After` says. `RateLimit-Policy` tells what is allowed.",
    ),
    "quota-exceeded": Kind(
        429,
        "The quota of this month is used up",
        "`GET /api/v1/usage` tells what the plan of the organization holds. `Retry-After` ends "
        "with the month (UTC); a larger plan has room at once.",
    ),
    "headers-too-large": Kind(
        431,
        "The headers are too large",
        "All headers together may have 16 KiB.",
    ),
    "internal-error": Kind(
        500,
        "Something went wrong here",
        "It is our fault. Tell support the `instance`.",
    ),
    "unreadable": Kind(
        503,
        "A stored value cannot be read",
        "What is stored does not fit its place, or its key is not there. Nothing was given out, and"
        " we have been called. Trying again soon will not help: tell support the `instance`.",
    ),
    "not-ready": Kind(
        503,
        "Not ready",
        "A part that we depend on does not answer. Wait as long as `Retry-After` says and"
        " try again.",
    ),
}


class FieldError(NamedTuple):
    """One part of a request that is wrong: `pointer` into the body (RFC 6901) or `parameter` of
    query and header.
    """

    code: str
    detail: str
    pointer: str | None = None
    parameter: str | None = None

    def as_json(self) -> dict[str, str]:
        """The entry of `errors`, without the empty half."""
        return {name: value for name, value in self._asdict().items() if value is not None}


class Problem(Exception):
    """A refusal on its way out: any stage raises it, the responses stage writes it.

    `code` is a key of CATALOGUE. `detail` must help an honest client and never say what a
    stranger could use. `extra` are further members of the document. `reason` names the rule that
    decided, for the trail.
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
        reason: str = "",
    ) -> None:
        self.code = code
        self.reason = reason or code
        self.kind = CATALOGUE[code]
        self.detail = detail or self.kind.title + "."
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})
        if self.kind.status == 503:
            self.headers.setdefault("Retry-After", str(RETRY_SOON))
        super().__init__(f"{self.kind.status} {code}: {self.detail}")

    @property
    def status(self) -> int:
        """The HTTP status of this code."""
        return self.kind.status

    def document(self, request_id: str) -> dict[str, Any]:
        """The members of RFC 9457 §3.1; `errors` stands in every 400, and where fields are
        named.
        """
        body: dict[str, Any] = {
            "type": f"{settings.SAAS_ORIGIN}/docs/problems/{self.code}",
            "title": self.kind.title,
            "status": self.status,
            "detail": self.detail,
            "instance": f"urn:uuid:{request_id}",
            "code": self.code,
            **self.extra,
        }
        if self.errors or self.status == 400:
            body["errors"] = [error.as_json() for error in self.errors]
        return body


def invalid(
    code: str, detail: str, *, pointer: str | None = None, parameter: str | None = None
) -> Problem:
    """A 400 that names one part of the request."""
    error = FieldError(code, detail, pointer=pointer, parameter=parameter)
    return Problem("invalid-request", detail, errors=[error])


def problem_response(problem: Problem, request: HttpRequest | None = None) -> HttpResponse:
    """The HTTP answer of a problem, for middleware and views alike.

    Under /oauth/ the machine endpoints answer the form of RFC 6749 §5.2 instead.
    """
    request_id = getattr(request, "request_id", None) or str(uuid.uuid4())
    path = request.path_info if request is not None else ""
    if (facts := getattr(request, "facts", None)) is not None:
        facts.decision = problem.code  # for the access log
    if path.startswith("/oauth/") and path != "/oauth/authorize":
        code = OAUTH_ERRORS.get(problem.code, "invalid_request")
        body: dict[str, Any] = {"error": code, "error_description": problem.detail}
        media_type = "application/json"
    else:
        body = problem.document(request_id)
        media_type = "application/problem+json"
    return HttpResponse(
        json.dumps(body, ensure_ascii=False),
        status=problem.status,
        content_type=media_type,
        headers=problem.headers,
    )
