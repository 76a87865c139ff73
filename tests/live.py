"""A server on a spare port of this machine, for clients and browsers that speak HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from django.core.wsgi import get_wsgi_application
from django.db import connection

from saas.edge.sending import Watched


class Quiet(WSGIRequestHandler):
    """The server's own log is no test's business."""

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


class Server(ThreadingMixIn, WSGIServer):
    """A thread for each connection, which closes what it opened."""

    daemon_threads = True

    def finish_request(self, *args: Any) -> None:
        """One request."""
        try:
            super().finish_request(*args)
        except ConnectionError:
            return  # a browser that has left
        finally:
            connection.close()


@contextmanager
def served(settings: Any) -> Iterator[str]:
    """The origin of a running server, in clear on loopback as in development."""
    settings.SAAS_REQUIRE_HTTPS = False
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False
    settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME = "session", "csrf"
    server = Server(("127.0.0.1", 0), Quiet)
    server.set_app(Watched(get_wsgi_application()))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
