"""Clients of the authorization server, and people who consent, for tests that are about neither."""

import hashlib
from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.test import Client, RequestFactory
from django.utils import timezone
from oauth2_provider.oauth2_backends import get_oauthlib_core

from apps.integrations.models import OAuthApplication
from saas.authentication.assurance import TWO_FACTORS
from saas.authentication.oauth.scopes import permissions, service_rights
from tests.cast import Member, Tenant, call, named

VERIFIER = "v" * 43
CHALLENGE = urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
CALLBACK = "https://app.example/callback"
SECRET = "s" * 64


def make_client(
    tenant: Tenant,
    *scopes: str,
    grant: str = "authorization-code",
    kind: str = "public",
    secret: str = SECRET,
    **more: Any,
) -> OAuthApplication:
    """A client of an organization."""
    return OAuthApplication.objects.create(
        organization_id=tenant.id,
        name="an app",
        client_type=kind,
        authorization_grant_type=grant,
        client_secret=secret,
        redirect_uris=CALLBACK if grant == "authorization-code" else "",
        allowed_scopes=list(scopes),
        **more,
    )


def make_service(tenant: Tenant, *scopes: str, **more: Any) -> OAuthApplication:
    """A confidential client that acts for itself."""
    return make_client(tenant, *scopes, grant="client-credentials", kind="confidential", **more)


def code_for(
    client: OAuthApplication,
    member: Member,
    *scopes: str,
    proved: dict[str, Any] | None = None,
    **more: str,
) -> str:
    """The code that a client is given when a person consents for their organization, who has just
    signed in by two factors; `proved` says otherwise.
    """
    asked = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": CALLBACK,
        "scope": " ".join(scopes),
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    } | more
    request = RequestFactory().get(f"/oauth/authorize?{urlencode(asked)}", secure=True)
    request.user = member.user
    core = get_oauthlib_core()
    granted, credentials = core.validate_authorization_request(request)
    credentials |= {"organization_id": member.organization.id, "auth_time": timezone.now()}
    credentials |= {"acr": TWO_FACTORS} | (proved or {})
    uri, *_ = core.create_authorization_response(request, granted, credentials, allow=True)
    return parse_qs(urlsplit(uri).query)["code"][0]


def post(path: str, form: Any, **headers: str) -> Any:
    """One form to a machine endpoint, over HTTPS."""
    body = form if isinstance(form, (bytes, str)) else urlencode(form)
    kind = headers.pop("content_type", "application/x-www-form-urlencoded")
    caller = Client(raise_request_exception=False)
    return caller.post(path, body, content_type=kind, secure=True, headers=headers)


def exchange(client: OAuthApplication, code: str, /, **more: str) -> Any:
    """The code for tokens."""
    form = {
        "grant_type": "authorization_code",
        "client_id": client.client_id,
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    return post("/oauth/token", form | more)


def refresh(client: OAuthApplication, token: str, **more: str) -> Any:
    """A refresh token for the next pair."""
    form = {"grant_type": "refresh_token", "client_id": client.client_id, "refresh_token": token}
    return post("/oauth/token", form | more)


def basic(client: OAuthApplication, secret: str = SECRET) -> dict[str, str]:
    """The header by which a confidential client is known."""
    pair = b64encode(f"{client.client_id}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def service_token(client: OAuthApplication, *scopes: str, secret: str = SECRET) -> Any:
    """The client's own secret for a token."""
    form = {"grant_type": "client_credentials", "scope": " ".join(scopes)}
    return post("/oauth/token", form, **basic(client, secret))


def tokens_for(
    member: Member,
    *scopes: str,
    client: OAuthApplication | None = None,
    proved: dict[str, Any] | None = None,
) -> Any:
    """An access and a refresh token of a person."""
    client = client or make_client(member.organization, *scopes)
    answer = exchange(client, code_for(client, member, *scopes, proved=proved))
    assert answer.status_code == 200, answer.content
    return answer.json()


def bearer(token: str) -> dict[str, str]:
    """The header by which a token opens something."""
    return {"Authorization": f"Bearer {token}"}


@dataclass
class Holder:
    """Whoever calls with an access token, as the matrix calls."""

    token: str
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """One request over HTTPS."""
        return call(self.client, method, path, body, **bearer(self.token), **named(headers))

    def get(self, path: str, **headers: str) -> Any:
        """GET."""
        return self.call("GET", path, **headers)


def person(member: Member, **proved: Any) -> Holder:
    """A member with a token that carries everything there is; `proved` as in `code_for`."""
    return Holder(tokens_for(member, *sorted(permissions()), proved=proved)["access_token"])


def service(tenant: Tenant) -> Holder:
    """A service with a token that carries everything that one may."""
    scopes = sorted(service_rights())
    client = make_service(tenant, *scopes)
    return Holder(service_token(client, *scopes).json()["access_token"])
