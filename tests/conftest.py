"""Two databases, two roles: migrated by the owner, served by a role that owns nothing."""

import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
import redis.utils
from django.conf import settings
from django.core import mail
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client
from whitenoise.middleware import WhiteNoiseMiddleware

from saas import counters
from saas.persistence.worker import run_due
from tests.cast import Tenant, call, make_tenant
from tests.conformance.document import every_answer_is_documented as every_answer_is_documented
from tests.conformance.document import undocumented as undocumented
from tests.secrecy import search_database

SQLITE = os.environ.get("SAAS_TEST_DATABASE") == "sqlite"
DATABASE = {"db", "committed", "django_db_setup"}  # every other fixture with tables stands on one


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On SQLite run what touches the database: anything else is the same as on PostgreSQL."""
    if SQLITE and "core" in config.option.markexpr:
        touching = [item for item in items if touches_the_database(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(touching)])
        items[:] = touching


def touches_the_database(item: pytest.Item) -> bool:
    """By a fixture, its own or another's, or by a mark."""
    return bool(DATABASE & {*item.fixturenames} or item.get_closest_marker("django_db"))  # type: ignore[attr-defined]  # of functions


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_blocker: Any, worker_name: str, tmp_path_factory: Any
) -> Iterator[None]:
    """One migrated database for each worker of the run; every test gets it, or a clone of it."""
    with django_db_blocker.unblock():
        if SQLITE:
            settings.DATABASES["default"]["NAME"] = str(
                tmp_path_factory.mktemp("db") / "test.sqlite3"
            )
            connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"]
        else:
            template = os.environ.get(
                "SAAS_TEST_TEMPLATE", "template1"
            )  # tests.sabotage has its own
            as_owner(
                f'DROP DATABASE IF EXISTS "{worker_name}"',
                f'CREATE DATABASE "{worker_name}" TEMPLATE "{template}"',
            )
            switch_to(worker_name)
        call_command("migrate", verbosity=0, interactive=False)
        connection.close()
        if SQLITE:
            shutil.copy(settings.DATABASES["default"]["NAME"], clean_name(worker_name))
            yield
            connection.close()
            return
        # What a test takes back leaves its room behind, and nobody copies that again and again.
        as_owner(
            f'DROP DATABASE IF EXISTS "{clean_name(worker_name)}" WITH (FORCE)',
            f'CREATE DATABASE "{clean_name(worker_name)}" TEMPLATE "{worker_name}"',
        )
        yield
        connection.close()
        for name in (worker_name, clean_name(worker_name)):
            as_owner(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def clean_name(worker_name: str) -> str:
    """The migrated database in which nothing has ever happened, to be cloned."""
    return f"{settings.DATABASES['default']['NAME']}_clean" if SQLITE else f"{worker_name}_clean"


@pytest.fixture(scope="session")
def worker_name(request: Any) -> str:
    """The name of this worker's database."""
    worker = getattr(request.config, "workerinput", {}).get("workerid", "main")
    return f"strongroom_test_{worker}_{os.getpid()}"


def owner_session(database: str) -> Any:
    """A connection of the role that owns the databases; each statement commits."""
    import psycopg

    owner = settings.DATABASE_OWNER
    return psycopg.connect(
        host=owner["HOST"],
        port=owner["PORT"],
        user=owner["USER"],
        password=owner["PASSWORD"],
        dbname=database,
        autocommit=True,
    )


def as_owner(*statements: str) -> None:
    """Run statements outside any test database, as the role that owns the databases."""
    import psycopg

    with owner_session("postgres") as server:
        for statement in statements:
            for patience in (0.2, 0.5, 1.0, 2.0, 0.0):
                try:
                    server.execute(statement)
                    break
                except psycopg.errors.InsufficientPrivilege:  # autovacuum is in there for a moment
                    if not patience:
                        raise
                    time.sleep(patience)


def switch_to(name: str) -> None:
    """Point the one connection at another database."""
    connection.close()
    connection.settings_dict["NAME"] = name


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any, worker_name: str) -> Iterator[None]:
    """A clone of the migrated database in which transactions really commit; dropped afterwards,
    never flushed.

    For tests of walls, races and triggers: inside a test transaction one request's settings
    would live on into the next.
    """
    with django_db_blocker.unblock():
        original = connection.settings_dict["NAME"]
        connection.close()
        clone, clean = f"{original}_clone", clean_name(worker_name)
        if SQLITE:
            shutil.copy(clean, clone)
        else:
            as_owner(
                f'DROP DATABASE IF EXISTS "{clone}" WITH (FORCE)',
                f'CREATE DATABASE "{clone}" TEMPLATE "{clean}"',
            )
        switch_to(clone)
        yield
        connections.close_all()
        search_database()
        switch_to(original)
        if SQLITE:
            os.unlink(clone)
        else:
            as_owner(f'DROP DATABASE "{clone}" WITH (FORCE)')


@pytest.fixture(scope="session", autouse=True)
def what_is_always_the_same_is_found_once() -> Iterator[None]:
    """Each test client has the whole middleware, which would look through all static folders again;
    and each connection to Redis tells the version of its client, which it reads from a file.
    """
    find, found = WhiteNoiseMiddleware.add_files_from_finders, {}

    def add_found(self: WhiteNoiseMiddleware) -> None:
        if not found:
            find(self)
            found.update(self.files)
        self.files.update(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", add_found)
        patch.setattr(redis.utils, "get_lib_version", cache(redis.utils.get_lib_version))
        yield


@pytest.fixture(autouse=True)
def fresh_counters() -> None:
    """No test inherits another's counted requests."""
    counters.local.cache_clear()
    counters.shared.cache_clear()


@pytest.fixture
def delivered() -> Callable[..., list[Any]]:
    """Do what is due, as a worker would, and give the letters so far: all, or those to one address."""

    def delivering(address: str | None = None) -> list[Any]:
        run_due()
        return [letter for letter in mail.outbox if address in (None, *letter.to)]

    return delivering


@pytest.fixture
def acme(db: None) -> Tenant:
    """The organization that most tests are about."""
    return make_tenant("Acme")


@pytest.fixture
def globex(db: None) -> Tenant:
    """The other one."""
    return make_tenant("Globex")


@pytest.fixture
def stranger() -> Any:
    """Calls without any credential."""
    client = Client(raise_request_exception=False)

    def calling(method: str, path: str, body: Any = None, **headers: str) -> Any:
        return call(
            client, method, path, body, **{name.replace("_", "-"): v for name, v in headers.items()}
        )

    return calling


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """The lines of the access log that the test caused, parsed."""
    found: list[dict[str, Any]] = []

    class Reader(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            text = record.getMessage()
            assert "\n" not in text
            found.append(json.loads(text))

    reader = Reader()
    logging.getLogger("saas.access").addHandler(reader)
    yield found
    logging.getLogger("saas.access").removeHandler(reader)
