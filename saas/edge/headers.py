"""The headers that tell a browser to do less; every answer carries them, refusals too."""

from collections.abc import Callable
from typing import cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from saas.edge.address import is_https
from saas.edge.log import TracedRequest

EVERYWHERE = {
    # A browser must not guess that JSON is a page (TRANS-08).
    "X-Content-Type-Options": "nosniff",
    # Nobody frames us, old browsers included (TRANS-09).
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
MACHINES = {
    # What a machine reads needs no script, no image and no frame (TRANS-07).
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    # A shared cache must never hold one tenant's answer for the next (TRANS-10).
    "Cache-Control": "no-store",
}
PAGES = {"Referrer-Policy": "same-origin", "Cache-Control": "no-store"}


class SecurityHeaders:
    """Add the headers last, so that no view and no error handler can forget them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer with its headers."""
        response = self.get_response(request)
        is_page = response.get("Content-Type", "").startswith("text/html")
        is_asset = request.path_info.startswith(f"/{settings.STATIC_URL.strip('/')}/")
        headers = EVERYWHERE | (PAGES if is_page else {} if is_asset else MACHINES)
        for name, value in (headers | cast(TracedRequest, request).facts.owed).items():
            response[name] = value
        if is_https(request):
            # For a year no browser speaks to us in clear (TRANS-03); never sent over http, where
            # anyone could write it.
            response["Strict-Transport-Security"] = hsts()
        if request.path_info.startswith("/api/"):
            response["API-Version"] = settings.SAAS_API_VERSION
        return response


def hsts() -> str:
    """The promise of RFC 6797; `preload` binds domains for good, so it is a knob and off."""
    preload = "; preload" if settings.SECURE_HSTS_PRELOAD else ""
    return f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains{preload}"
