"""Sessions, CSRF protection and sign-in run for pages; under /api/ no cookie is ever read."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.module_loading import import_string

from saas.errors import Problem, problem_response

Answering = Callable[[HttpRequest], HttpResponse]
SIGNED_IN_AT = "signed_in_at"
LONGEST_NAME = 200  # of a browser


class ForPages:
    """Run SAAS_PAGE_MIDDLEWARE for the paths of SAAS_PAGES, and nothing of it for any other."""

    def __init__(self, get_response: Answering) -> None:
        self.get_response = chain = get_response
        self.inside: list[Any] = []
        for name in reversed(settings.SAAS_PAGE_MIDDLEWARE):
            chain = import_string(name)(chain)
            self.inside.insert(0, chain)
        self.chain = chain

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer of the one way or of the other."""
        answer = self.chain if is_page(request) else self.get_response
        return answer(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Django calls this of its own list only; CSRF protection lives here."""
        return self._first("process_view", request, view, args, kwargs)

    def process_exception(self, request: HttpRequest, fault: Exception) -> HttpResponse | None:
        """A refusal of ours is a problem document on a page too."""
        if isinstance(fault, Problem) and is_page(request):
            return problem_response(fault, request)
        return self._first("process_exception", request, fault)

    def _first(self, hook: str, request: HttpRequest, *args: Any) -> HttpResponse | None:
        if not is_page(request):
            return None
        for middleware in self.inside:
            if (call := getattr(middleware, hook, None)) is not None:
                answer: HttpResponse | None = call(request, *args)
                if answer is not None:
                    return answer
        return None


def is_page(request: HttpRequest) -> bool:
    """Whether a person looks at this."""
    return request.path_info.startswith(settings.SAAS_PAGES)


class AbsoluteAge:
    """A session ends twelve hours after the sign-in, however busy it is (AUTHN-12)."""

    def __init__(self, get_response: Answering) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Sign out who has been signed in for too long."""
        since = request.session.get(SIGNED_IN_AT)
        oldest = timezone.now().timestamp() - settings.LIFETIMES.session.total_seconds()
        if since is not None and since <= oldest:
            logout(request)
        return self.get_response(request)


@receiver(user_logged_in)
def note_sign_in(request: HttpRequest, **_: Any) -> None:
    """The age of a session counts from here, and its owner will know the browser by its name."""
    request.session[SIGNED_IN_AT] = timezone.now().timestamp()
    request.session["browser"] = request.headers.get("User-Agent", "")[:LONGEST_NAME]
