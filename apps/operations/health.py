"""Two questions of a balancer: does this process live, and may it be sent work?"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache, wraps
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse

from saas import counters
from saas.counters import StoreUnavailable, Window
from saas.edge.admission import admit_method
from saas.errors import Problem, problem_response

log = logging.getLogger("apps.operations.health")

PATIENCE = 2.0  # seconds: a balancer waits no longer, and takes silence for whatever it likes
STARTED = time.time()

View = Callable[..., HttpResponse]


def question(view: View) -> View:
    """A view that is only asked: GET and HEAD, and a Problem that it raises is its answer."""

    @wraps(view)
    def asked(request: HttpRequest, **path: str) -> HttpResponse:
        try:
            admit_method(request, ["GET"])
            return view(request, **path)
        except Problem as problem:
            return problem_response(problem, request)

    return asked


@question
def live(request: HttpRequest) -> HttpResponse:
    """200 as long as the process answers at all; it asks nobody else."""
    return JsonResponse({"status": "live"})


@question
def ready(request: HttpRequest) -> HttpResponse:
    """200 when everything stands that a request needs, else 503.

    Which part is missing stands in our log: outside it would tell an attacker what to press on.
    """
    missing = [name for name, is_there in NEEDS.items() if not is_there()]
    if missing:
        log.warning("not ready: %s", ", ".join(missing))
        raise Problem("not-ready")
    return JsonResponse({"status": "ready"})


class Probe:
    """A question that may never be answered, asked in a thread of its own.

    A database that takes connections and says nothing would hold the thread that serves, and with
    each further question another one, until `live` is not answered either. Whoever asks while a
    question is under way waits for the same answer, so a flood of questions is one connection.
    """

    def __init__(self, ask: Callable[[], bool]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._asked: Future[bool] | None = None

    def __call__(self) -> bool:
        """The answer, or no after PATIENCE."""
        with self._lock:
            if self._asked is None or self._asked.done():
                self._asked = Future()
                threading.Thread(target=self._settle, args=[self._asked], daemon=True).start()
            asked = self._asked
        try:
            return asked.result(timeout=PATIENCE)
        except TimeoutError:
            return False

    def _settle(self, asked: Future[bool]) -> None:
        try:
            asked.set_result(self._ask())
        except Exception as fault:
            asked.set_exception(fault)
        finally:
            connection.close()  # this thread's


def database_is_current() -> bool:
    """Whether the database answers, by one query, and holds every migration of this code."""
    try:
        return migrations_of_this_code() <= set(
            MigrationRecorder(connection).migration_qs.values_list("app", "name")
        )
    except (Error, ImproperlyConfigured):  # also the tables that nobody has made yet
        return False


@cache
def migrations_of_this_code() -> frozenset[tuple[str, str]]:
    """Every migration on disk; it cannot change while this process runs."""
    return frozenset(MigrationLoader(None).disk_migrations)


def counters_answer() -> bool:
    """Whether the store of the limits answers; within one process it always does."""
    try:
        counters.shared().take([Window("health", 1, 1)], spend=False)
    except StoreUnavailable:
        return False
    return True


def may_stay() -> bool:
    """Whether nobody has said that this process is about to end, by the file SAAS_DRAIN_FILE.

    The server shuts its door the moment it is told to end, so a balancer has to know before. A file
    from before our start was meant for whoever stood here then.
    """
    drained = settings.SAAS_DRAIN_FILE
    try:
        return not drained or Path(drained).stat().st_mtime < STARTED
    except FileNotFoundError:
        return True


NEEDS: dict[str, Callable[[], bool]] = {
    "its leave to serve": may_stay,
    "the database, or its migrations": Probe(database_is_current),
    "the store of the counters": counters_answer,
}
