"""A client library that knows nothing of us completes every grant over the wire."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from tests.cast import make_tenant
from tests.live import served
from tests.oauth import CALLBACK, SECRET, VERIFIER, code_for, make_client, make_service

pytestmark = [pytest.mark.core]

READ, WRITE = "notes:read", "notes:write"


@pytest.fixture
def origin(committed: None, settings) -> Iterator[str]:
    """The address of a running server."""
    with served(settings) as origin:
        yield origin


def endpoint(session, origin, name):
    """An endpoint as the metadata names it, on the server that runs here."""
    told = session.get(f"{origin}/.well-known/oauth-authorization-server", withhold_token=True)
    return origin + urlsplit(told.json()[name]).path


@pytest.mark.practice("AUTHN-02")
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_service_finds_its_way_by_the_metadata(origin, method):
    acme = make_tenant("Acme")
    service = make_service(acme, READ, "introspection")
    with OAuth2Session(service.client_id, SECRET, token_endpoint_auth_method=method) as session:
        token = endpoint(session, origin, "token_endpoint")
        pair = session.fetch_token(token, grant_type="client_credentials", scope=READ)
        assert session.get(f"{origin}/api/v1/notes").status_code == 200
        asked = endpoint(session, origin, "introspection_endpoint")
        assert session.introspect_token(asked, pair["access_token"]).json()["active"] is True
        ended = endpoint(session, origin, "revocation_endpoint")
        assert session.revoke_token(ended, pair["access_token"]).status_code == 200
        assert session.get(f"{origin}/api/v1/notes").status_code == 401


@pytest.mark.practice("AUTHN-02")
@pytest.mark.practice("AUTHN-04")
def test_an_app_exchanges_refreshes_and_signs_out(origin):
    acme = make_tenant("Acme")
    app = make_client(acme, READ, WRITE)
    with OAuth2Session(
        app.client_id,
        token_endpoint_auth_method="none",
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
    ) as session:
        url, state = session.create_authorization_url(
            f"{origin}/oauth/authorize", code_verifier=VERIFIER
        )
        assert "code_challenge_method=S256" in url
        back = f"{CALLBACK}?code={code_for(app, acme.clerk, READ, WRITE)}&state={state}"
        token = endpoint(session, origin, "token_endpoint")
        pair = session.fetch_token(token, authorization_response=back, code_verifier=VERIFIER)
        assert pair["expires_in"] == 900
        assert session.post(f"{origin}/api/v1/notes", json={"title": "x"}).status_code == 201
        fresh = session.refresh_token(token, refresh_token=pair["refresh_token"])
        assert fresh["access_token"] != pair["access_token"]
        assert session.get(f"{origin}/api/v1/notes").status_code == 200
        ended = endpoint(session, origin, "revocation_endpoint")
        session.revoke_token(ended, fresh["refresh_token"])
        with pytest.raises(OAuthError, match="invalid_grant"):
            session.refresh_token(token, refresh_token=fresh["refresh_token"])
