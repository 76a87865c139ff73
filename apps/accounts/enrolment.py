"""Who may do much sets up a second factor before anything else."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from apps.accounts import queries
from apps.accounts.pages import see

BEFORE = {  # the pages that lead there, and the way out
    "account_start_enrolment",
    "account_confirm_enrolment",
    "account_logout",
}
PAGES = "/accounts/"


class EnrolFirst:
    """Stops a stolen password of an owner or admin from being enough: without a second factor
    every page of the account leads to its enrolment (AUTHN-08). The consent page stays, and gives
    away nothing that wants one.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Nothing is done before the page is known."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        """303 to the enrolment, or on to the page."""
        match, user = request.resolver_match, request.user
        if not request.path_info.startswith(PAGES) or not user.is_authenticated:
            return None
        if match and match.url_name in BEFORE:
            return None
        if queries.is_protected(user) or not queries.must_have_factor(user):
            return None
        return see("account_start_enrolment")
