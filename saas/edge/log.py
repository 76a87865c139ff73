"""One line of JSON for each request, the refused ones too: who, what, when, from where, how it
ended. It is written when the answer has gone out, or could not.
"""

import logging
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, cast

import orjson
from django.core.signals import got_request_exception
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.utils import timezone

from saas.context import Trace, traced
from saas.edge.address import client_ip
from saas.edge.sending import LEFT
from saas.errors import Problem, problem_response

access = logging.getLogger("saas.access")
faults = logging.getLogger("saas.faults")
TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
MAX_OBJECTS = 100
MAX_DIGITS = 18  # of a Content-Length that is worth noting

CLIENT_LEFT = "client-left"  # as a decision: nothing was done, for the body never came whole

# Each is given every line after it was written, as it stands there. A module joins in
# AppConfig.ready(); it may neither wait for anybody nor change the line.
LISTENERS: list[Callable[[dict[str, Any]], None]] = []


@dataclass(slots=True)
class Facts:
    """What the rooms of the path have learned about one request; nothing here is ever a value that
    a caller sent.
    """

    arrived_at: datetime = field(default_factory=timezone.now)
    operation_id: str | None = None
    auth_method: str | None = None
    principal: str | None = None
    user_id: str | None = None
    org: str | None = None
    credential_id: str | None = None
    decision: str | None = None
    owed: dict[str, str] = field(
        default_factory=dict
    )  # headers that a room promised for the answer
    exposed_parameters: list[str] = field(default_factory=list)
    object_ids: list[str] = field(default_factory=list)
    disclosed: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)  # what a room noticed, as `thing.what-happened`
    misuse: Any = None  # of a key; the room that found it tells later
    barred: Problem | None = None  # what a proved caller hears, once they have been counted
    # Who wants to see the request with its answer, when that has gone out.
    afterwards: list[Callable[[HttpRequest, HttpResponse], None]] = field(default_factory=list)


class TracedRequest(HttpRequest):
    """A request that the log has named; every request is one from the first middleware on."""

    request_id: str
    facts: Facts


class RequestLog:
    """The outermost middleware: names the request, catches what nobody caught, writes the line."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with X-Request-Id, whatever happens inside."""
        started = time.perf_counter()
        request = cast(TracedRequest, request)
        request.request_id = _request_id(request)
        request.facts = Facts()
        trace = Trace(request.request_id, _trace_id(request))
        token = traced.set(trace)
        try:
            response = self.get_response(request)
        except Exception:
            # The last-resort handler: a stack trace belongs in our log, never in an answer.
            faults.exception("unhandled", extra={"request_id": request.request_id})
            response = problem_response(Problem("internal-error"), request)
        finally:
            traced.reset(token)
        response["X-Request-Id"] = request.request_id
        took = time.perf_counter() - started
        # The server closes every answer, also one that nobody waits for any more: only then is it
        # known how the request ended.
        closers = response._resource_closers  # type: ignore[attr-defined]  # the stubs omit it
        closers.append(partial(_write, request, response, trace, took))
        return response

    def process_exception(self, request: HttpRequest, fault: Exception) -> HttpResponse | None:
        """A client that leaves while a page reads its body is no fault of ours."""
        if isinstance(fault, UnreadablePostError):
            return problem_response(Problem("invalid-request", "The body ended early."), request)
        return None


def _write(request: TracedRequest, response: HttpResponse, trace: Trace, took: float) -> None:
    """Write the line, and let the others have it."""
    try:
        line = _line(request, response, trace, took)
        access.info(orjson.dumps(line).decode())
        for listener in LISTENERS:
            listener(line)
        for tell in request.facts.afterwards:
            tell(request, response)
    except Exception:  # the answer is out: who listens can spoil nothing but its own work
        faults.exception("unhandled", extra={"request_id": request.request_id})


@receiver(got_request_exception)
def note_fault(request: HttpRequest | None = None, **_: Any) -> None:
    """A stack trace belongs in our log; Django answers with the bare 500 of `handlers`."""
    faults.exception("unhandled", extra={"request_id": getattr(request, "request_id", None)})


def _request_id(request: HttpRequest) -> str:
    """The caller's id when it is a UUID, so that they can search for it; anything else could forge
    a log line.
    """
    sent = request.META.get("HTTP_X_REQUEST_ID", "")
    try:
        return str(uuid.UUID(sent)) if len(sent) == 36 else str(uuid.uuid4())
    except ValueError:
        return str(uuid.uuid4())


def _trace_id(request: TracedRequest) -> str:
    """The trace that the caller goes on with (W3C Trace Context): a name to search by, and proof of
    nothing.
    """
    sent = TRACEPARENT.fullmatch(request.META.get("HTTP_TRACEPARENT", ""))
    return sent[1] if sent else request.request_id.replace("-", "")


def _line(
    request: TracedRequest, response: HttpResponse, trace: Trace, took: float
) -> dict[str, Any]:
    facts = request.facts
    match = request.resolver_match
    length = request.META.get("CONTENT_LENGTH") or "0"
    left = request.META.get(LEFT)
    return {
        "ts": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "request_id": trace.request_id,
        "trace_id": trace.trace_id,
        "ip": str(client_ip(request)),
        "user_id": facts.user_id,
        "principal": facts.principal,
        "org": facts.org,
        "credential_id": facts.credential_id,
        "auth_method": facts.auth_method,
        "operation_id": facts.operation_id,
        # The template of the route: the raw path can hold anything, also a secret.
        "route": match.route if match else None,
        "method": request.method if request.method in KNOWN_METHODS else "?",
        "status": response.status_code,
        "duration_ms": round(took * 1000, 2),
        "bytes_in": int(length) if length.isdecimal() and len(length) <= MAX_DIGITS else 0,
        "bytes_out": 0 if response.streaming else len(response.content),
        "object_ids": facts.object_ids[:MAX_OBJECTS],
        "disclosed": facts.disclosed,
        "exposed_parameters": facts.exposed_parameters,
        "decision": CLIENT_LEFT if left == "body" else facts.decision,
        "events": [*facts.events, "client.left"] if left else facts.events,
    }


KNOWN_METHODS = frozenset(
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}
)
