"""Who signs in for a client's request may be refused right after, and the client must hear of that.
Browsers hold `form-action` against the redirects after a form too, so the pages that sign in name
the one place where this request may end.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from allauth.account.internal.stagekit import LOGIN_SESSION_KEY
from allauth.account.utils import get_next_redirect_url
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from apps.accounts.strangers import DOUBT
from apps.integrations.models import OAuthApplication
from saas.authentication.oauth.forms import CONTROL

# The pages of which a form signs somebody in; a module adds its own when it starts.
PAGES = {"account_login", "account_confirm", "mfa_authenticate"}


class MayEndAtClient:
    """Let the form of such a page end at the client whose request waits behind it, too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer; with a wider policy where there is such a client."""
        response = self.get_response(request)
        match = request.resolver_match
        if match and match.url_name in PAGES and response.status_code != 303:
            uri = client_uri(awaited(request))
            if uri is not None:
                may_end_at(response, uri)
        return response


def awaited(request: HttpRequest) -> str:
    """Where this person goes on after signing in: as the page was asked, or as it was noted when
    they had shown the first of what they must show.
    """
    held: list[Any] = [request.session.get(name) or {} for name in (LOGIN_SESSION_KEY, DOUBT)]
    noted = [held[0].get("redirect_url"), held[1].get("next")]
    return next(filter(None, [get_next_redirect_url(request), *noted]), "")


def client_uri(path: str) -> str | None:
    """The redirect URI of the authorization request at `path`, when a client has registered it:
    for whatever else somebody writes there, no form may leave us.
    """
    parts = urlsplit(path)
    sent = {name: values[0] for name, values in parse_qs(parts.query).items()}
    id = sent.get("client_id", "")
    if parts.path != reverse("authorize") or CONTROL.search(id):
        return None
    client = OAuthApplication.objects.filter(client_id=id).first()
    if client is None:
        return None
    uri = sent.get("redirect_uri") or str(client.redirect_uris)
    return uri if client.redirect_uri_allowed(uri) else None


def may_end_at(response: HttpResponse, redirect_uri: str) -> None:
    """Let the form of this page end at the client, and nowhere else."""
    parts = urlsplit(redirect_uri)
    target = f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"
    policy = settings.SECURE_CSP | {"form-action": ["'self'", target]}
    response._csp_config = policy  # type: ignore[attr-defined]  # as Django's own csp_override does
