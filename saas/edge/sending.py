"""What goes over the wire, as far as WSGI lets us see it: a body that breaks off, and an answer
that nobody takes.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

LEFT = "saas.client-left"  # in the environment of a request: `body`, or `answer`
BODYLESS = (204, 304)

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Watched:
    """A WSGI application that knows of clients which leave (PEP 3333)."""

    def __init__(self, application: Application) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> "Sending":
        """Serve."""
        environ["wsgi.input"] = Arriving(environ)
        return Sending(environ, self.application(environ, start_response))


class Arriving:
    """A body. One that ends before its declared length is an error: a server gives what came until
    then, and an act would be done by half of what was asked, or by nothing.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        self.environ = environ
        self.stream = environ["wsgi.input"]
        self.readline = self.stream.readline

    def read(self, size: int) -> bytes:
        """So many bytes; Django asks for no more than were declared."""
        try:
            got: bytes = self.stream.read(size)
        except OSError:
            got = b""
        if len(got) < size:
            self.environ[LEFT] = "body"
            raise ConnectionAbortedError("The client has left.")
        return got


class Sending:
    """An answer. A server that closes it before its end had nobody to give it to."""

    def __init__(self, environ: dict[str, Any], answer: Iterable[bytes]) -> None:
        self.environ = environ
        self.answer = answer
        self.parts: Iterator[bytes] = iter(answer)
        status = getattr(answer, "status_code", None)
        self.is_out = environ["REQUEST_METHOD"] == "HEAD" or status in BODYLESS  # no part is taken

    def __iter__(self) -> "Sending":
        """Itself."""
        return self

    def __next__(self) -> bytes:
        """The next part."""
        try:
            return next(self.parts)
        except StopIteration:
            self.is_out = True
            raise

    def close(self) -> None:
        """Whatever happened: the line of the log is written here."""
        if not self.is_out:
            self.environ.setdefault(LEFT, "answer")
        if close := getattr(self.answer, "close", None):
            close()
