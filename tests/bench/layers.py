"""What each layer costs: the same request in one process, with everything on and with one layer off.

Layers are taken off by patching, here and nowhere else: the product has no switch that turns a guard
off. `python -m tests.bench.layers ORDER` prints its figures as JSON.
"""

import io
import json
import statistics
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import django

REQUESTS = ("list", "detail", "POST")
CALLS, WARM = 12, 3  # of a block


class Application:
    """Our own application, called as its server calls it."""

    def __init__(self, order: dict[str, Any]) -> None:
        from django.core.wsgi import get_wsgi_application

        self.handler = get_wsgi_application()
        self.order = order

    def __call__(self, kind: str) -> bytes:
        """One request; anything but a success is an error."""
        method, path, body = self.order["requests"][kind]
        status = []
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "SERVER_NAME": "api.strongroom.example",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "api.strongroom.example",
            "HTTP_X_API_KEY": self.order["key"],
            "REMOTE_ADDR": "192.0.2.7",
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(body.encode()),
            "CONTENT_LENGTH": str(len(body)) if body else "",
            "CONTENT_TYPE": "application/json" if body else "",
        }
        if body:
            environ["HTTP_IDEMPOTENCY_KEY"] = uuid.uuid4().hex
        answer = self.handler(environ, lambda line, headers: status.append(line))
        content = b"".join(answer)
        answer.close()
        if status[0][:3] not in ("200", "201"):
            raise RuntimeError(f"{kind}: {status[0]} {content[:500]!r}")
        return content


def layers(application: Application, order: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    """What takes each layer off, for the length of a block."""
    from saas import view
    from saas.audit import chain
    from saas.disclosure.outputs import Output
    from saas.edge import gate, headers, log
    from saas.tenancy import binding

    known: dict[str, Any] = {}

    def remember() -> None:
        """The principal and the actor of the key."""
        real = view.SecureViewSet.note_who

        def noted(self: Any) -> None:
            known.update(principal=self.principal, actor=self.actor)
            real(self)

        with patch.object(view.SecureViewSet, "note_who", noted):
            application("list")

    remember()

    @contextmanager
    def entered(principal: Any) -> Iterator[Any]:
        with binding.bind(principal.tenant_id, to_the_commit=True):
            yield known["actor"]

    everything = {
        way: Output.__subclasses__ and frozenset(known_fields)
        for way, known_fields in ((False, INVOICE), (True, INVOICE - {"lines"}))
    }
    return {
        "authentication": lambda: patch.multiple(
            view, identify=lambda request: known["principal"], entered=entered
        ),
        "row security": lambda: without_row_security(order["rivals"]),
        "throttling": lambda: patch.object(view.limits, "count", lambda *_: []),
        "role fields": lambda: patch.object(
            Output,
            "shown_to",
            classmethod(
                lambda cls, actor, *, in_list=False: everything[in_list]
                if "positions" in str(cls.__name__) or cls.__name__ == "InvoiceOutput"
                else frozenset(cls.writers())
            ),
        ),
        "access log": lambda: patch.object(log.access, "disabled", True).__class__
        and quiet(log),
        "audit": lambda: patch.object(chain, "append", lambda entry: None),
        "idempotency": lambda: patch.object(view.SecureViewSet, "reserve", lambda self: None),
        "gate and headers": lambda: through(gate.Gate, headers.SecurityHeaders),
    }


INVOICE = frozenset()


@contextmanager
def quiet(log: Any) -> Iterator[None]:
    """No line is made and none written."""
    with patch.object(log, "_line", lambda *_: {}), patch.object(log.access, "info", lambda *_: None):
        yield


@contextmanager
def through(*middleware: Any) -> Iterator[None]:
    """Middleware that only passes on."""
    with ExitStack() as stack:
        for one in middleware:
            stack.enter_context(patch.object(one, "__call__", lambda self, request: self.get_response(request)))
        yield


OTHER: dict[str, Any] = {}


@contextmanager
def without_row_security(url: str) -> Iterator[None]:
    """The copy without walls, as a role that would pass them, and nobody tells it a tenant."""
    from django.db import connection

    from saas.authentication import lookup
    from saas.tenancy import binding
    from tests.bench.walls import swapped

    with (
        swapped(connection, url, OTHER),
        patch.object(binding, "_tell_database", lambda tenant_id: None),
        patch.object(lookup, "credential_shown", nothing),
    ):
        yield


@contextmanager
def nothing(*_: Any) -> Iterator[None]:
    """Nothing."""
    yield


def block(application: Application, kind: str, calls: int) -> tuple[float, float]:
    """Microseconds of one call, on the clock and of CPU."""
    for _ in range(WARM):
        application(kind)
    wall, used = time.perf_counter(), time.process_time()
    for _ in range(calls):
        application(kind)
    return (time.perf_counter() - wall) / calls * 1e6, (time.process_time() - used) / calls * 1e6
