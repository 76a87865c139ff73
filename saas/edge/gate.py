"""The first door: what can be refused from the request line and the headers alone."""

from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost, RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect

from saas.edge import exposure
from saas.edge.address import is_https, is_within, peer
from saas.edge.log import TracedRequest
from saas.errors import FieldError, Problem, problem_response

MAX_URL = 4 * 1024
MAX_HEADERS = 16 * 1024

# Each may refuse a request of whatever path, last in the gate. What is known it tells from memory:
# no request that is served pays a query for it. A module joins in AppConfig.ready().
DOORS: list[Callable[[HttpRequest], None]] = []


class Gate:
    """Refuse, in the order of the contract, what no later room should have to look at."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a problem, or let the request in."""
        try:
            answer = refuse_clear_text(request)
            refuse_way_round(request)
            refuse_oversized_head(request)
            refuse_foreign_host(request)
            refuse_credentials_in_url(request)
            refuse_two_credentials(request)
            for door in DOORS:
                door(request)
        except Problem as problem:
            return problem_response(problem, request)
        return answer or self.get_response(request)


def refuse_clear_text(request: HttpRequest) -> HttpResponse | None:
    """Redirect a bare GET to HTTPS; refuse what carried a credential or a body, since it has leaked
    already.
    """
    if is_https(request) or not settings.SAAS_REQUIRE_HTTPS:
        return None
    lost = [*exposure.secrets_in_headers(request), *exposure.secrets_in_url(request)]
    carries = "HTTP_AUTHORIZATION" in request.META or "HTTP_X_API_KEY" in request.META
    body = (
        request.META.get("CONTENT_LENGTH") not in (None, "", "0")
        or "HTTP_TRANSFER_ENCODING" in request.META
    )
    if not (
        lost or carries or body or exposure.credential_parameters(request)
    ) and request.method in ("GET", "HEAD"):
        if request.path_info in settings.SAAS_CLEAR_PATHS:
            return None
        return HttpResponsePermanentRedirect(settings.SAAS_ORIGIN + request.get_full_path())
    exposure.report(request, iter(lost), "clear")
    raise Problem(
        "https-required", "Use https://. What this request carried in clear counts as lost."
    )


def refuse_way_round(request: HttpRequest) -> None:
    """Whoever finds the origin's own address goes past the gateway that absorbs their flood: where
    SAAS_ORIGIN_NETWORKS names networks, they alone may connect (RATE-11).
    """
    networks = settings.SAAS_ORIGIN_NETWORKS
    if networks and not is_within(peer(request), networks):
        raise Problem("permission-denied", "This address does not serve the public.")


def refuse_oversized_head(request: HttpRequest) -> None:
    """A long head costs memory before anyone has proved anything."""
    if len(request.get_full_path()) > MAX_URL:
        raise Problem("uri-too-long")
    head = sum(
        len(name) + len(value)
        for name, value in request.META.items()
        if name.startswith("HTTP_") and isinstance(value, str)
    )
    if head > MAX_HEADERS:
        raise Problem("headers-too-large")


def refuse_foreign_host(request: HttpRequest) -> None:
    """A forged Host would otherwise end in links, caches and redirects."""
    try:
        request.get_host()
    except DisallowedHost:
        raise Problem("invalid-request", "The Host header does not name this service.") from None


def refuse_credentials_in_url(request: HttpRequest) -> None:
    """URLs are logged, remembered and passed on: a credential there is public, even beside a good
    header.
    """
    try:
        names = exposure.credential_parameters(request)
    except (RequestDataTooBig, TooManyFieldsSent):
        raise Problem("invalid-request", "The query has too many parameters.") from None
    lost = list(exposure.secrets_in_url(request))
    if not (names or lost or _names_a_user(request)):
        return
    exposure.report(request, iter(lost), "url")
    cast(TracedRequest, request).facts.exposed_parameters = names  # never their values
    errors = [
        FieldError("credential-in-url", "Credentials travel in headers.", parameter=name)
        for name in names
    ]
    raise Problem(
        "credential-in-url", "Credentials travel in headers, never in the URL.", errors=errors
    )


def _names_a_user(request: HttpRequest) -> bool:
    """Whether the request line held `user:password@`, where the server tells how it read."""
    try:
        return "@" in urlsplit(request.META.get("RAW_URI") or "").netloc
    except ValueError:  # "//[" is a path to a server and no address to urlsplit
        return False


def refuse_two_credentials(request: HttpRequest) -> None:
    """With two credentials, two rooms could disagree about who is calling."""
    authorization = request.META.get("HTTP_AUTHORIZATION")
    key = request.META.get("HTTP_X_API_KEY")
    # A server joins repeated headers with a comma; no credential of ours holds one.
    repeated = "," in (key or "") or _is_repeated(authorization or "")
    if (authorization is not None and key is not None) or repeated:
        raise Problem(
            "multiple-credentials", "Send one credential: Authorization or X-API-Key, once."
        )


def _is_repeated(authorization: str) -> bool:
    scheme = authorization.partition(" ")[0].lower()
    return scheme in {"bearer", "dpop"} and "," in authorization
