"""Traces for a collector: the request, its statements, and the tasks that it leaves behind.

A span holds what stands below and nothing else. The ready-made instrumentation writes the URL with
its query, addresses, browsers' names and messages of exceptions into spans, and a collector is
often somebody else's machine: what is never taken need not be taken out again.
"""

import atexit
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import request_started
from django.db.backends.signals import connection_created
from django.http import HttpRequest, HttpResponse

try:
    from opentelemetry import trace
    from opentelemetry.context import Context
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
    from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags
except ImportError:
    raise ImproperlyConfigured(
        "OTEL_EXPORTER_OTLP_ENDPOINT is set, but the extra is not installed: strongroom[otel]."
    ) from None

from saas.context import traced
from saas.edge.log import KNOWN_METHODS, TRACEPARENT, TracedRequest
from saas.persistence.models import OutboxEntry
from saas.persistence.worker import AROUND

MIDDLEWARE = "apps.metrics.spans.Traced"
VERBS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "BEGIN", "COMMIT", "ROLLBACK", "SET"})


class IdOfTheLog(RandomIdGenerator):
    """A trace has the id that the access log and the trail give it."""

    def generate_trace_id(self) -> int:
        """That of the request at hand, or of the one that left the task; else a new one."""
        found = traced.get()
        known = int(found.trace_id, 16) if found else 0
        return known or super().generate_trace_id()  # a caller can send a row of noughts


provider = TracerProvider(  # OTEL_TRACES_SAMPLER and its like are read by the library itself
    id_generator=IdOfTheLog(), resource=Resource.create({SERVICE_NAME: "strongroom"})
)
tracer = provider.get_tracer("strongroom")


def join() -> None:
    """Trace from now on, and send to OTEL_EXPORTER_OTLP_ENDPOINT from a thread of its own: a
    collector that is slow or gone costs spans and no request.
    """
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    first, *rest = settings.MIDDLEWARE  # the log's, which names the request
    settings.MIDDLEWARE = [first, MIDDLEWARE, *rest]
    AROUND.append(task)
    connection_created.connect(listen, dispatch_uid="spans")
    request_started.connect(end_well, dispatch_uid="spans")


def end_well(**_: Any) -> None:
    """From its first request on a process sends its last spans when it ends: what its parent left
    for the end does not go through a fork.
    """
    request_started.disconnect(dispatch_uid="spans")
    atexit.register(provider.shutdown)


class Traced:
    """The span of a request, without anything that its caller wrote."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer within a span."""
        request = cast(TracedRequest, request)
        with span("request", SpanKind.SERVER, context=parent_of(request)) as this:
            response = self.get_response(request)
            method = request.method if request.method in KNOWN_METHODS else "_OTHER"
            route = request.resolver_match.route if request.resolver_match else None
            known = {
                "http.request.method": method,
                "http.route": route,  # the template: the path itself can hold anything
                "http.response.status_code": response.status_code,
                "strongroom.request_id": request.request_id,
                "strongroom.operation": request.facts.operation_id,
                "strongroom.decision": request.facts.decision,
            }
            this.update_name(f"{method} {route}" if route else str(method))
            this.set_attributes({name: value for name, value in known.items() if value is not None})
            if response.status_code >= 500:
                this.set_status(StatusCode.ERROR)
        return response


def parent_of(request: HttpRequest) -> Context:
    """The span of whoever called, as a place in a picture. Whether we record is ours to say: a
    stranger's flag would let them switch it off for what they do.
    """
    sent = request.META.get("HTTP_TRACEPARENT", "")
    if not TRACEPARENT.fullmatch(sent):
        return Context()
    _, trace_id, span_id, _ = (int(part, 16) for part in sent.split("-"))
    there = SpanContext(trace_id, span_id, True, TraceFlags(TraceFlags.SAMPLED))
    return trace.set_span_in_context(NonRecordingSpan(there), Context())


@contextmanager
def task(entry: OutboxEntry) -> Iterator[None]:
    """The span of one attempt, in the trace of the request that asked for it."""
    found = traced.get()
    known = {"strongroom.task_id": str(entry.pk), "strongroom.attempt": entry.attempts}
    if found:
        known["strongroom.request_id"] = found.request_id
    with span(entry.name, SpanKind.CONSUMER, context=Context(), attributes=known):
        yield


def listen(connection: Any, **_: Any) -> None:
    """Be told of each statement of a new connection."""
    if statement not in connection.execute_wrappers:
        connection.execute_wrappers.append(statement)


def statement(execute: Any, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """A span with the verb alone: texts of statements can hold values, and their parameters do."""
    if not trace.get_current_span().is_recording():
        return execute(sql, params, many, context)
    verb = str(sql).lstrip(" (").partition(" ")[0].upper()
    verb = verb if verb in VERBS else "OTHER"
    known = {"db.system.name": context["connection"].vendor, "db.operation.name": verb}
    with span(verb, SpanKind.CLIENT, attributes=known):
        return execute(sql, params, many, context)


@contextmanager
def span(name: str, kind: SpanKind, **more: Any) -> Iterator[trace.Span]:
    """A span that ends with the block. What is raised marks it by its class: a message can hold
    what no collector should.
    """
    with tracer.start_as_current_span(
        name, kind=kind, record_exception=False, set_status_on_exception=False, **more
    ) as this:
        try:
            yield this
        except Exception as fault:
            this.set_status(StatusCode.ERROR)
            this.set_attribute("error.type", type(fault).__name__)
            raise
