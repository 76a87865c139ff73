"""A collector that speaks OTLP over HTTP: it reads the protocol's own messages and keeps the spans."""

import gzip
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


class Collector(ThreadingHTTPServer):
    """`spans` are those that came so far, and `raw` all of their bytes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.spans: list[Any] = []
        self.raw = b""

    @property
    def address(self) -> str:
        """What OTEL_EXPORTER_OTLP_ENDPOINT is to be."""
        return f"http://127.0.0.1:{self.server_port}"

    def wait_for(self, count: int, **wanted: Any) -> list[Any]:
        """At least `count` spans with these attributes (`_` stands for the dot)."""
        deadline = time.monotonic() + 60
        while len(found := [one for one in self.spans if has(one, wanted)]) < count:
            assert time.monotonic() < deadline, self.spans
            time.sleep(0.05)
        return found


class Handler(BaseHTTPRequestHandler):
    """One export."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        assert (self.path, self.headers["Content-Type"]) == (
            "/v1/traces",
            "application/x-protobuf",
        )
        asked = ExportTraceServiceRequest.FromString(body)
        self.server.raw += body
        for resource in asked.resource_spans:
            for scope in resource.scope_spans:
                self.server.spans += scope.spans
        answer = ExportTraceServiceResponse().SerializeToString()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


def attributes(span: Any) -> dict[str, Any]:
    """Of a span, as Python has them."""
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


def has(span: Any, wanted: dict[str, Any]) -> bool:
    """Whether the span's attributes are so."""
    known = attributes(span)
    return all(known.get(name) == value for name, value in wanted.items())


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector for as long as the block lasts."""
    collector = Collector()
    thread = threading.Thread(target=collector.serve_forever)
    thread.start()
    try:
        yield collector
    finally:
        collector.shutdown()
        thread.join()
        collector.server_close()
