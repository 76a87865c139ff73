"""What Django answers when no view does: the same problem documents as everywhere."""

import re

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from saas.errors import Problem, problem_response

VERSION = re.compile(r"/api/(v\d+)(/|$)")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: the server itself found the request malformed."""
    return problem_response(Problem("invalid-request", "The request is malformed."), request)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: Django itself refused."""
    return problem_response(Problem("permission-denied"), request)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: no such path; for an unknown version, the list of those that exist."""
    version = VERSION.match(request.path_info)
    if request.path_info.startswith("/api/") and (
        not version or version[1] not in settings.SAAS_API_VERSIONS
    ):
        return problem_response(
            Problem("unknown-version", extra={"versions": sorted(settings.SAAS_API_VERSIONS)}),
            request,
        )
    return problem_response(Problem("not-found"), request)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: nothing but the id of the request."""
    return problem_response(Problem("internal-error"), request)
