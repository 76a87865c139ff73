"""The machine endpoints: token, revocation, introspection, and what the server says of itself."""

import json
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from oauth2_provider.models import (
    get_access_token_model,
    get_refresh_token_model,
)
from oauth2_provider.oauth2_backends import get_oauthlib_core

from saas.authentication import demands
from saas.authentication.attempts import count_network
from saas.authentication.oauth import families
from saas.authentication.oauth.answers import Refusal, answer, machine_endpoint
from saas.authentication.oauth.clients import as_principal, authenticated_client
from saas.authentication.oauth.forms import VERIFIER, read_form
from saas.authentication.oauth.metadata import GRANT_TYPES, document
from saas.authentication.oauth.modules import FACTS, TOKEN_JUDGES
from saas.authentication.oauth.scopes import INTROSPECTION
from saas.authentication.oauth.tokens import checksum_of, is_well_formed
from saas.edge.admission import admit_method


@machine_endpoint("oauth.token")
def token(request: HttpRequest) -> HttpResponse:
    """Exchange a code, a refresh token or the client's own secret for tokens (RFC 6749 §3.2)."""
    form = read_form(request)
    count_network(request, "oauth-token")
    refuse_unknown_grant(form)
    with transaction.atomic():
        client = authenticated_client(request, form)
        if form["grant_type"] == "client_credentials":  # else the person's organization is asked
            demands.entering.send(None, request=request, principal=as_principal(client))
        for judge in TOKEN_JUDGES:
            judge(request, form, client)
        _uri, _headers, body, status = get_oauthlib_core().create_token_response(request)
    content = json.loads(body)
    if status == 200:
        if form["grant_type"] != "client_credentials":
            families.hold_back()
        return answer(content)
    raise Refusal(content["error"], content.get("error_description") or "Refused.", status=status)


def refuse_unknown_grant(form: dict[str, str]) -> None:
    """Say first what is wrong with the request itself, whoever sends it."""
    if "grant_type" not in form:
        raise Refusal("invalid_request", "grant_type is missing.")
    if form["grant_type"] not in GRANT_TYPES:
        raise Refusal("unsupported_grant_type", "This grant type is not offered.")
    if "code_verifier" in form and not VERIFIER.fullmatch(form["code_verifier"]):
        raise Refusal("invalid_grant", "The code_verifier is not one of RFC 7636.")
    if form.get("resource", settings.SAAS_ORIGIN).rstrip("/") not in own_resources():
        raise Refusal("invalid_target", "Tokens are good for this API and for nothing else.")


def own_resources() -> set[str]:
    """What a client may call this API (RFC 8707)."""
    return {settings.SAAS_ORIGIN, f"{settings.SAAS_ORIGIN}/api", f"{settings.SAAS_ORIGIN}/api/v1"}


@machine_endpoint("oauth.revoke")
def revoke(request: HttpRequest) -> HttpResponse:
    """End a token and its whole family, at once (RFC 7009). What is not the client's own token
    is answered the same, and lives on.
    """
    form = read_form(request)
    count_network(request, "oauth-revoke")
    if "token" not in form:
        raise Refusal("invalid_request", "token is missing.")
    with transaction.atomic():
        client = authenticated_client(request, form)
        if is_well_formed(form["token"]):
            end_token(form["token"], client)
    return answer({})


def end_token(secret: str, client: Any) -> None:
    """End an access or refresh token of this client."""
    which = {"token_checksum": checksum_of(secret), "application": client}
    for model in (get_access_token_model(), get_refresh_token_model()):
        row = model.objects.filter(**which).first()
        if row is None:
            continue
        if row.grant_id is None:
            row.delete()
        else:
            families.end_and_tell(families.locked(pk=row.grant_id), "revoked")


@machine_endpoint("oauth.introspect")
def introspect(request: HttpRequest) -> HttpResponse:
    """Whether one of the client's own tokens lives, and what it carries (RFC 7662).

    For every other string the answer is the same three words, so nobody can search for tokens.
    """
    form = read_form(request)
    count_network(request, "oauth-introspect")
    if "token" not in form:
        raise Refusal("invalid_request", "token is missing.")
    client = authenticated_client(request, form)
    if client.client_type != client.CLIENT_CONFIDENTIAL or (
        INTROSPECTION not in client.allowed_scopes
    ):
        raise Refusal("insufficient_scope", "This client may not introspect.", status=403)
    with transaction.atomic():
        demands.entering.send(None, request=request, principal=as_principal(client))
    return answer(facts_of(form["token"], client))


def facts_of(secret: str, client: Any) -> dict[str, Any]:
    """What the client may know of a token."""
    row = None
    if is_well_formed(secret):
        tokens = get_access_token_model().objects.usable(timezone.now())
        row = tokens.filter(
            token_checksum=checksum_of(secret),
            application=client,
            organization_id=client.organization_id,
        ).first()
    if row is None:
        return {"active": False}
    facts = {
        "active": True,
        "scope": row.scope,
        "client_id": client.client_id,
        "token_type": "Bearer",
        "exp": int(row.expires.timestamp()),
        "iat": int(row.created.timestamp()),
        "iss": settings.SAAS_ORIGIN,
        "aud": settings.SAAS_ORIGIN,
        "sub": str(row.user_id or client.client_id),
    }
    for more in FACTS:
        facts |= more(row)
    return facts if facts["active"] else {"active": False}


@machine_endpoint("oauth.metadata")
def metadata(request: HttpRequest) -> HttpResponse:
    """Exactly what is accepted, no more and no less (RFC 8414)."""
    admit_method(request, ["GET"])
    return answer(document())
