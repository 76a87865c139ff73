"""What each layer costs: the same request in one process, with everything on and with one layer off.

Layers are taken off by patching, here and nowhere else: the product has no switch that turns a guard
off. `python -m tests.bench.layers` reads an order from its standard input and prints its figures.
"""

import io
import json
import logging
import os
import statistics
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

CALLS, WARM = 12, 3  # of a block
ALL, NONE = "all", "none"


class Application:
    """Our own application, called as its server calls it."""

    def __init__(self, order: dict[str, Any]) -> None:
        from django.core.wsgi import get_wsgi_application

        self.handler = get_wsgi_application()
        self.order = order

    def __call__(self, kind: str) -> bytes:
        """One request; anything but a success is an error."""
        method, path, body = self.order["requests"][kind]
        status: list[str] = []
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


Off = Callable[[], AbstractContextManager[Any]]


def layers(application: Application) -> dict[str, Off]:
    """What takes each layer off for the length of a block."""
    from saas import view
    from saas.audit import chain
    from saas.disclosure.outputs import Output
    from saas.edge import gate, headers, log
    from saas.tenancy import binding

    proved = {}
    real = view.SecureViewSet.note_who

    def remember(self: Any) -> None:
        proved.update(principal=self.principal, actor=self.actor)
        real(self)

    with patch.object(view.SecureViewSet, "note_who", remember):
        application("list")
    # Who is remembered grows old; after a minute each request would note that the key is in use.
    proved["principal"].credential.last_used_at += timedelta(hours=1)

    @contextmanager
    def entered(principal: Any, request: Any) -> Iterator[Any]:
        with binding.bind(principal.tenant_id, to_the_commit=True):
            yield proved["actor"]

    def everything(cls: Any, actor: Any, *, in_list: bool = False) -> frozenset[str]:
        return shown[cls, in_list]

    from apps.invoices.serializers import InvoiceOutput

    names = frozenset(InvoiceOutput.writers())
    shown = {(InvoiceOutput, True): names - InvoiceOutput.summary, (InvoiceOutput, False): names}
    return {
        "authentication": lambda: patch.multiple(
            view, identify=lambda request: proved["principal"], entered=entered
        ),
        "row security": lambda: without_row_security(application.order["rivals"]),
        "throttling": lambda: patch.multiple(
            view.limits,
            count=lambda *_: view.limits.Counted([None]),  # or no caller would be warned of expiry
            report=lambda *_: None,
        ),
        "role fields": lambda: patch.object(Output, "shown_to", classmethod(everything)),
        "access log": lambda: quiet(log),
        "audit": lambda: patch.object(chain, "append", only_beside),
        "idempotency": lambda: patch.object(view.SecureViewSet, "reserve", lambda self: None),
        "gate and headers": lambda: through(gate.Gate, headers.SecurityHeaders),
    }


def only_beside(entry: Any, beside: Any = None) -> None:
    """No entry; what goes in its trip goes by itself."""
    from django.db import connection

    if beside:
        with connection.cursor() as cursor:
            cursor.execute(*beside)


@contextmanager
def quiet(log: Any) -> Iterator[None]:
    """No line is made and none is written."""
    with (
        patch.object(log, "_line", lambda *_: {}),
        patch.object(log, "LISTENERS", []),
        patch.object(log.access, "info", lambda *_: None),
    ):
        yield


@contextmanager
def through(*middleware: Any) -> Iterator[None]:
    """Middleware that only passes on."""
    with ExitStack() as stack:
        for one in middleware:
            passed = patch.object(one, "__call__", lambda self, request: self.get_response(request))
            stack.enter_context(passed)
        yield


_kept: dict[str, Any] = {}


@contextmanager
def without_row_security(url: str) -> Iterator[None]:
    """The copy without walls; nobody tells it a tenant. Both connections stay open."""
    from django.db import connection
    from environ import Env

    from saas.authentication import lookup
    from saas.tenancy import binding

    settings, ours = connection.settings_dict, connection.connection
    theirs = Env.db_url_config(url)
    names = ("NAME", "USER", "PASSWORD")
    before = {name: settings[name] for name in names}
    settings.update({name: theirs[name] for name in names})
    connection.connection = _kept.get("connection")
    if connection.connection is None:
        connection.connect()
    try:
        with (
            patch.object(binding, "_tell_database", lambda tenant_id: None),
            patch.object(lookup, "credential_shown", nothing),
        ):
            yield
    finally:
        _kept["connection"] = connection.connection
        settings.update(before)
        connection.connection = ours


@contextmanager
def nothing(*_: Any) -> Iterator[None]:
    """Nothing."""
    yield


def block(application: Application, kind: str, calls: int = CALLS) -> tuple[float, float]:
    """Microseconds of one call, on the clock and of CPU."""
    for _ in range(WARM):
        application(kind)
    wall, used = time.perf_counter(), time.process_time()
    for _ in range(calls):
        application(kind)
    return (
        (time.perf_counter() - wall) / calls * 1e6,
        (time.process_time() - used) / calls * 1e6,
    )


def table(application: Application, rounds: int) -> dict[str, Any]:
    """For each request: what it takes, and what without each layer. Every block without one stands
    beside a whole one, and the median of what lies between the two is what the layer costs.
    """
    off = layers(application)
    figures: dict[str, Any] = {}
    for kind in application.order["requests"]:
        whole: list[tuple[float, float]] = []
        saved: dict[str, list[tuple[float, float]]] = {name: [] for name in (NONE, *off)}
        for _ in range(rounds):
            for name, pairs in saved.items():
                whole.append(block(application, kind))
                with ExitStack() as stack:
                    for layer in off if name == NONE else [name]:
                        stack.enter_context(off[layer]())
                    without = block(application, kind)
                pairs.append((whole[-1][0] - without[0], whole[-1][1] - without[1]))
        everything = medians(whole)
        figures[kind] = {ALL: everything} | {
            name: [all_ - less for all_, less in zip(everything, medians(pairs), strict=True)]
            for name, pairs in saved.items()
        }
    return figures


def medians(pairs: list[tuple[float, float]]) -> list[float]:
    """Of each of the two."""
    return [statistics.median(column) for column in zip(*pairs, strict=True)]


def counts(application: Application) -> dict[str, Any]:
    """SQL statements, those that open and close the transaction, and Redis trips of one request."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from redis.connection import Connection

    found = {}
    for kind in application.order["requests"]:
        application(kind)
        send = Connection.read_response
        with (
            CaptureQueriesContext(connection) as sent,
            patch.object(Connection, "read_response", autospec=True, side_effect=send) as trips,
        ):
            application(kind)
        bounds = sum(one["sql"].startswith(("BEGIN", "COMMIT")) for one in sent)
        found[kind] = {
            "statements": len(sent) - bounds,
            "bounds": bounds,
            "redis": trips.call_count,
        }
    return found


def main() -> None:
    """Carry out an order."""
    application = Application(json.load(sys.stdin))
    for handler in logging.getLogger("saas.access").handlers:  # lines are made, and thrown away
        handler.setStream(open(os.devnull, "w"))  # type: ignore[attr-defined]  # noqa: SIM115  # until the end
    print(
        json.dumps(
            {
                "counts": counts(application),
                "layers": table(application, application.order["rounds"]),
            }
        )
    )


if __name__ == "__main__":
    main()
