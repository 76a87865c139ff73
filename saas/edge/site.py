"""What serves pages and files does not run for the API, whose answers are neither."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string


class Site:
    """Run SAAS_SITE_MIDDLEWARE for every path that is not under /api/."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = chain = get_response
        for name in reversed(settings.SAAS_SITE_MIDDLEWARE):
            chain = import_string(name)(chain)
        self.chain = chain

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer of the one way or of the other."""
        is_api = request.path_info.startswith("/api/")
        return self.get_response(request) if is_api else self.chain(request)
