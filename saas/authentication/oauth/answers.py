"""The endpoints' own vocabulary: errors of RFC 6749 §5.2, as JSON and never as a page."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.conf import settings
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse

from saas.edge.log import TracedRequest
from saas.errors import Problem, problem_response

View = Callable[[HttpRequest], HttpResponse]


class Refusal(Exception):
    """An error that a client can act on: `error` is one of the codes of the RFCs."""

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        self.error, self.description, self.status = error, description, status
        super().__init__(f"{status} {error}: {description}")


def invalid_client() -> Refusal:
    """401, the same for a client that is not there, one with another secret and one of another
    kind.
    """
    return Refusal("invalid_client", "The client could not be authenticated.", status=401)


def answer(body: Any, status: int = 200) -> HttpResponse:
    """JSON; `no-store` is added at the edge, to every answer."""
    response = HttpResponse(json.dumps(body), status=status, content_type="application/json")
    response["Pragma"] = "no-cache"  # RFC 6749 §5.1 asks for it
    if status == 401:
        response["WWW-Authenticate"] = f'Basic realm="{settings.SAAS_ORIGIN}"'
    return response


def machine_endpoint(name: str) -> Callable[[View], View]:
    """Give a view its name in the log, and every refusal inside it its JSON."""

    def decorated(view: View) -> View:
        @wraps(view)
        def answering(request: HttpRequest) -> HttpResponse:
            facts = cast(TracedRequest, request).facts
            facts.operation_id, facts.decision = name, "allow"
            try:
                return view(request)
            except Refusal as refusal:
                facts.decision = refusal.error
                body = {"error": refusal.error, "error_description": refusal.description}
                return answer(body, refusal.status)
            except Problem as problem:
                return problem_response(problem, request)
            except OperationalError:  # a lock that nobody gave up in time: the client may try again
                return problem_response(Problem("not-ready", "Try again in a moment."), request)

        answering.operation_id = name  # type: ignore[attr-defined]  # for who shuts one of them
        answering.csrf_exempt = True  # type: ignore[attr-defined]  # Django reads it; no cookie opens these
        return answering

    return decorated
