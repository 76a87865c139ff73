"""A key that ends without a warning takes its integration down; each answer says so in time."""

from datetime import timedelta

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from django.utils.http import http_date

from saas.context import Principal, PrincipalKind

HEADER = "Credential-Expires"


def warn(response: HttpResponse, principal: Principal) -> None:
    """Name the moment, as an HTTP date, at which an API key ends that is within the first warning.

    Access tokens live for minutes by design, so they carry no warning.
    """
    ends = principal.expires_at
    if principal.kind != PrincipalKind.API_KEY or ends is None:
        return
    if ends - timezone.now() <= timedelta(days=max(settings.KEY_WARNING_DAYS)):
        response.headers[HEADER] = http_date(ends.timestamp())
