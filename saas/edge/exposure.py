"""A credential that travelled where others can read it is lost: say so, and let later rooms act."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import cast
from urllib.parse import unquote_plus

from django.dispatch import Signal
from django.http import HttpRequest

from saas.edge.log import TracedRequest

# Sent with `secret` and `where` ("url" or "clear"). Receivers must not raise; True says that it was
# a living credential.
credential_exposed = Signal()

_NAMES = """
    access_token accesstoken api-key api_key api_token apikey auth auth_token authorization
    bearer client_secret credential credentials id_token jwt key passwd password private_key
    pwd refresh_token secret session session_id sessionid token x-api-key x_api_key
"""
CREDENTIAL_PARAMETERS = frozenset(_NAMES.split())
# The authorization endpoint's own protocol: none of these is a credential by RFC 6749 or OIDC.
NOT_CREDENTIALS = frozenset({"code", "state", "nonce"})
OUR_SECRETS = re.compile(r"sr_[a-z]+_[0-9A-Za-z]{61}")
EXPOSED = "credential.exposed"  # in the access log
MAX_REPORTED = 5  # each costs a look-up, and a stranger's URL holds sixty that look right


def credential_parameters(request: HttpRequest) -> list[str]:
    """The names of query parameters that look like a credential, whatever they hold."""
    return sorted(name for name in request.GET if name.lower() in CREDENTIAL_PARAMETERS)


def secrets_in_url(request: HttpRequest) -> Iterator[str]:
    """Everything in the URL that has the form of one of our own credentials, or stands where one
    would.
    """
    yield from OUR_SECRETS.findall(unquote_plus(request.get_full_path()))
    for name in credential_parameters(request):
        yield from request.GET.getlist(name)


def secrets_in_headers(request: HttpRequest) -> Iterator[str]:
    """The credentials of a request that came in clear."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() in {"bearer", "dpop"} and value:
        yield value.strip()
    if key := request.headers.get("X-API-Key"):
        yield key.strip()


def report(request: HttpRequest, secrets: Iterator[str], where: str) -> None:
    """Tell the later rooms about each secret, once; the line says so when one of them lives."""
    for secret in islice(dict.fromkeys(secrets), MAX_REPORTED):
        told = credential_exposed.send_robust(sender=None, secret=secret, where=where)
        if any(answer is True for _, answer in told):
            cast(TracedRequest, request).facts.events.append(EXPOSED)
