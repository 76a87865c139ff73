"""Which client is calling: by its secret, or as a public client by its name alone."""

import binascii
from base64 import b64decode
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple, cast
from urllib.parse import unquote_plus

from django.contrib.auth.hashers import check_password
from django.http import HttpRequest
from oauth2_provider.models import get_application_model

from saas.authentication import attempts, demands
from saas.authentication.oauth.answers import Refusal, invalid_client
from saas.authentication.oauth.forms import CONTROL
from saas.authentication.oauth.secrets import KeyedDigest
from saas.context import Principal, PrincipalKind
from saas.edge.log import TracedRequest
from saas.edge.noticing import noticed

# Where the validator finds what was learned at the door; no header can have such a name.
IN_ENVIRON = "saas.oauth_client"
ARRIVED_AT = "saas.arrived_at"
NOTICED = "saas.noticed"
ENTERING = "saas.entering"
FAILED = "client.failed"  # in the access log: a secret was wrong


class Presented(NamedTuple):
    """What a client says of itself; `secret` is None when it sent none."""

    client_id: str
    secret: str | None


def authenticated_client(request: HttpRequest, form: Mapping[str, str]) -> Any:
    """The application that is calling. Raises 401 `invalid_client`, 429 after too many wrong
    secrets.
    """
    presented = presented_by(request, form)
    if presented.secret is None:
        client = _application(presented.client_id)
        if client is None or client.client_type != client.CLIENT_PUBLIC:
            raise invalid_client()
    else:
        client = _application(presented.client_id)
        if (
            client is None
            or client.client_type != client.CLIENT_CONFIDENTIAL
            or not check_password(
                presented.secret,
                client.client_secret,
                lambda secret: move_over(client, secret),
                preferred=KeyedDigest.algorithm,
            )
        ):
            if client is not None:
                noticed(request, FAILED, org=client.organization_id, credential=client.pk)
            attempts.count_wrong("client", presented.client_id, request)
            raise invalid_client()
    request.META[IN_ENVIRON] = client
    request.META[NOTICED] = partial(noticed, request)  # oauthlib would walk through a request
    request.META[ENTERING] = partial(demands.entering.send, None, request=request)
    facts = cast(TracedRequest, request).facts
    request.META[ARRIVED_AT] = facts.arrived_at
    facts.principal, facts.org = str(client.pk), str(client.organization_id)
    return client


def as_principal(client: Any) -> Principal:
    """Who calls with the client's own secret."""
    return Principal(
        PrincipalKind.SERVICE,
        client.pk,
        client.pk,
        client.organization_id,
        None,
        frozenset(),
        None,
    )


def move_over(client: Any, secret: str) -> None:
    """The pepper has changed since this secret was made: from now on it stands under today's."""
    rows = get_application_model().objects.filter(pk=client.pk, client_secret=client.client_secret)
    rows.update(client_secret=KeyedDigest().encode(secret, ""))


def presented_by(request: HttpRequest, form: Mapping[str, str]) -> Presented:
    """The client's own words, in the header or in the form and never in both (RFC 6749 §2.3)."""
    header = request.META.get("HTTP_AUTHORIZATION")
    if header is None:
        if "client_id" not in form:
            raise invalid_client()
        return Presented(form["client_id"], form.get("client_secret"))
    presented = _basic(header)
    if "client_secret" in form or form.get("client_id", presented.client_id) != presented.client_id:
        raise Refusal("invalid_request", "Authenticate in one way, not in two.")
    return presented


def _basic(header: str) -> Presented:
    scheme, _, value = header.partition(" ")
    try:
        text = b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise invalid_client() from None
    name, colon, secret = text.partition(":")
    if scheme.lower() != "basic" or not colon or CONTROL.search(text):
        raise invalid_client()
    return Presented(unquote_plus(name), unquote_plus(secret))


def _application(client_id: str) -> Any:
    if CONTROL.search(client_id):  # unquoted from a header
        return None
    return get_application_model().objects.filter(client_id=client_id).first()
