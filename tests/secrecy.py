"""Every secret of the run is known from the moment it is made, and must not be met again.

pytest loads this before Django (`-p tests.secrecy`), so whoever imports `random_text` by name gets
the one that is listened to. From then on the lines that the product would log, the parameters that
go to the database, the commands that go to Redis, the answers of the test client and the letters
are read, and after a test that commits the tables themselves. The product knows nothing of it.

A secret is known by pieces of ten letters and digits (`GRAM`), so nineteen in a row are enough.
"""

import contextvars
import itertools
import logging
import re
import sys
from collections.abc import Callable, Generator, Iterator
from functools import wraps
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from saas import crypto

GRAM = 10
WORD = re.compile(rf"[0-9A-Za-z]{{{GRAM},}}")
BYTES = re.compile(rf"(?:[0-9A-Fa-f]{{2}}){{{GRAM},}}")
NAMES = {  # what is random there names something, and opens nothing
    "apps.customers.models",
    "apps.organizations.pages",
    "saas.authentication.devices",
}
MAILED = {"apps.organizations.services", "reset link"}  # a letter holds them, and its own page
SHOWN = {"second factor", "apps.accounts.services"}  # on the page after the one that made them
PAGES = "/accounts/"
UNFORCED = """DO $$ DECLARE name regclass; BEGIN
    FOR name IN SELECT oid FROM pg_class WHERE relforcerowsecurity LOOP
        EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', name);
    END LOOP; END $$"""

NUMBERS = map(str, itertools.count(1))  # of requests

asking: contextvars.ContextVar[str] = contextvars.ContextVar("asking", default="")


class Ledger:
    """What was made, by whom, and in answer to what; and where it was met since."""

    def __init__(self) -> None:
        self.grams: dict[str, tuple[str, str]] = {}
        self.met: list[str] = []

    def note(self, secret: str, kind: str) -> None:
        """A secret was made."""
        text = plain(secret)
        for start in range(0, len(text) - GRAM + 1, GRAM):
            self.grams.setdefault(text[start : start + GRAM], (kind, asking.get()))

    def known_in(self, text: str) -> Iterator[tuple[str, str]]:
        """The secrets in a text: what made each, and in answer to which request."""
        for word in WORD.findall(squeezed(text)):
            for start in range(len(word) - GRAM + 1):
                if (found := self.grams.get(word[start : start + GRAM])) is not None:
                    yield found

    def search(self, place: str, text: str, *, allowed: set[str] | frozenset[str] = frozenset(),
               born: str | None = None) -> None:  # fmt: skip
        """Remember every secret that stands in `text`, but for the kinds that are allowed there and
        for what was made in answer to the request `born`.
        """
        for kind, made_for in self.known_in(text):
            if kind not in allowed and not (born and born == made_for):
                self.met.append(f"a secret of {kind} stands in {place}: {text[:300]!r}")


ledger = Ledger()


def plain(secret: str) -> str:
    """Its letters and digits."""
    return "".join(re.findall("[0-9A-Za-z]", secret))


def squeezed(text: str) -> str:
    """Without what a secret is written with to be read."""
    return text.replace("-", "").replace(" ", "")


def as_text(value: Any) -> str:
    """A parameter, as its column would show it."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("latin-1")
    return str(getattr(value, "obj", value))


def heard(owner: Any, name: str, listen: Callable[..., None]) -> None:
    """Let `listen` have the answer and the arguments of every call of `owner.name`."""
    real = getattr(owner, name)

    @wraps(real)
    def calling(*args: Any, **kwargs: Any) -> Any:
        answer = real(*args, **kwargs)
        listen(answer, *args, **kwargs)
        return answer

    setattr(owner, name, calling)


def note_random_text(text: str, *_: Any, **__: Any) -> None:
    """Kinds are the rooms that ask for randomness."""
    kind = sys._getframe(2).f_globals["__name__"]
    if kind not in NAMES and not (kind == "saas.authentication.keys" and len(text) < 43):
        ledger.note(text, kind)


def note_client(_: str, __: Any, secret: str, ___: str) -> None:
    """A secret that is kept, not one that is guessed."""
    if sys._getframe(2).f_code.co_name != "verify":
        ledger.note(secret, "client")


heard(crypto, "random_text", note_random_text)


def pytest_sessionstart() -> None:
    """Listen where other houses make secrets, and wherever a secret must not come."""
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.tokens import PasswordResetTokenGenerator
    from django.contrib.sessions.backends.base import SessionBase
    from django.db.backends.utils import CursorWrapper
    from django.test import Client
    from redis.connection import AbstractConnection

    from apps.accounts.adapters import SecondFactors
    from saas.authentication.oauth.secrets import KeyedDigest
    from saas.authentication.oauth.validator import Validator
    from saas.persistence import letters

    note = ledger.note
    heard(Validator, "_create_authorization_code",
          lambda _, __, request, code, *___: note(code["code"], "authorization code"))  # fmt: skip
    heard(SecondFactors, "encrypt", lambda _, __, text: note(text, "second factor"))
    heard(SessionBase, "_get_new_session_key", lambda key, _: note(key, "session"))
    heard(PasswordResetTokenGenerator, "make_token", lambda made, *_: note(made, "reset link"))
    heard(KeyedDigest, "encode", note_client)
    heard(AbstractBaseUser, "set_password", lambda _, __, raw: note(raw or "", "password"))

    def write(_: Any, __: Any, sql: str, params: Any, *___: Any, **____: Any) -> None:
        ledger.search(f"a statement ({sql[:60]})", " ".join(map(as_text, params or ())))

    heard(CursorWrapper, "_execute_with_wrappers", write)
    heard(AbstractConnection, "send_packed_command", lambda _, __, command, *___, **____:
          ledger.search("Redis", " ".join(map(as_text, [command] if isinstance(command, bytes) else command))))  # fmt: skip
    heard(letters, "post", lambda _, *, to, subject, text:
          ledger.search("a letter", f"{subject} {text}", allowed=MAILED))  # fmt: skip
    ask = Client.request

    def asked(self: Client, **sent: Any) -> Any:
        token = asking.set(next(NUMBERS))
        try:
            answer: Any = ask(self, **sent)
            body = b"" if answer.streaming else answer.content
            text = f"{body.decode(errors='replace')} {list(answer.headers.items())}"
            allowed = MAILED | SHOWN if sent["PATH_INFO"].startswith(PAGES) else frozenset()
            place = f"the answer to {sent['REQUEST_METHOD']} {sent['PATH_INFO']}"
            ledger.search(place, text, allowed=allowed, born=asking.get())
        finally:
            asking.reset(token)
        return answer

    Client.request = asked  # type: ignore[method-assign]  # for as long as the run lasts
    for name in ("", *settings.LOGGING["loggers"]):
        for handler in logging.getLogger(name).handlers:
            if handler.name in settings.LOGGING["handlers"]:
                handler.addFilter(Lines(handler))


class Lines(logging.Filter):
    """Reads what a handler is about to write, as it would write it."""

    def __init__(self, handler: logging.Handler) -> None:
        super().__init__()
        self.handler = handler

    def filter(self, record: logging.LogRecord) -> bool:
        """Let everything through."""
        ledger.search("the log", self.handler.format(record))
        return True


def dump_of_database() -> str:
    """Every row of the database that the connection stands on, past row security, as text. The
    database is done with: its owner opens the walls.
    """
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        return "\n".join(connection.connection.iterdump())
    name, owner = connection.settings_dict["NAME"], settings.DATABASE_OWNER
    where = {"host": owner["HOST"], "port": owner["PORT"], "dbname": name}
    with psycopg.connect(user=owner["USER"], password=owner["PASSWORD"], **where) as server:
        server.execute("SET LOCAL lock_timeout = '2s'")
        server.execute("SET LOCAL xmlbinary = 'hex'")
        server.execute(UNFORCED)
        row = server.execute("SELECT schema_to_xml('public', true, false, '')").fetchone()
        server.rollback()
    assert row
    return str(row[0])


def search_database() -> None:
    """Everything that stands in the tables, also where it is kept as bytes."""
    dump = dump_of_database()
    ledger.search("the database", dump)
    for run in BYTES.findall(dump):
        ledger.search("a column of bytes", bytes.fromhex(run).decode("latin-1"))


def judge() -> None:
    """Fail the test in which a secret was met."""
    met, ledger.met = ledger.met, []
    assert not met


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, Any, Any]:
    result = yield
    judge()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, Any, Any]:
    result = yield
    judge()
    return result
