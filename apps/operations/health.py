"""Two questions of a balancer: does this process live, and may it be sent work?"""

import logging
from collections.abc import Callable
from functools import cache, wraps

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


NEEDS: dict[str, Callable[[], bool]] = {
    "the database, or its migrations": database_is_current,
    "the store of the counters": counters_answer,
}
