"""A relying party of another house, over HTTP: it finds everything by the discovery document."""

import time
from collections.abc import Iterator

import pytest
from authlib.integrations.base_client.sync_app import BaseApp, OAuth2Mixin
from authlib.integrations.base_client.sync_openid import OpenIDMixin
from authlib.integrations.requests_client import OAuth2Session
from django.core.management import call_command
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError

from tests.cast import make_tenant
from tests.live import served
from tests.oauth import CALLBACK, SECRET, make_client
from tests.saas.authentication.oidc.browser import SCOPES, Person, told

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHN-10")]


class NoFramework:
    """Keeps nothing."""

    def update_token(self, token, **more):
        """The test has it already."""


class RelyingParty(OAuth2Mixin, OpenIDMixin, BaseApp):
    """authlib's own, without a web framework around it."""

    client_cls = OAuth2Session


@pytest.fixture
def origin(committed: None, settings) -> Iterator[str]:
    """A running server, which calls itself what it is called by."""
    with served(settings) as origin:
        settings.SAAS_ORIGIN = origin
        yield origin


@pytest.fixture
def person(origin):
    """Acme's clerk, sent by a confidential client."""
    acme = make_tenant("Acme")
    return Person(acme.clerk, make_client(acme, *SCOPES, kind="confidential"))


def party(origin, app):
    """A fresh one: it knows our address and its own name."""
    return RelyingParty(
        NoFramework(),
        client_id=app.client_id,
        client_secret=SECRET,
        server_metadata_url=f"{origin}/.well-known/openid-configuration",
        client_kwargs={"scope": " ".join(SCOPES), "code_challenge_method": "S256"},
    )


def signed_in(origin, person):
    """The party, its tokens and the claims that it believes."""
    ours = party(origin, person.app)
    asked = ours.create_authorization_url(CALLBACK)
    form = {"decision": "allow", "organization": str(person.member.organization.id)}
    path = asked["url"].removeprefix(origin)
    back = told(person.browser.post(path, form, secure=True))
    assert back["state"] == asked["state"]
    token = ours.fetch_access_token(
        CALLBACK, code=back["code"], code_verifier=asked["code_verifier"]
    )
    return ours, token, ours.parse_id_token(token, asked["nonce"])


def test_another_houses_relying_party_signs_a_person_in(origin, person):
    before = int(time.time())
    ours, token, claims = signed_in(origin, person)
    assert claims["iss"] == origin
    assert claims["sub"] == str(person.user.pk)
    assert claims["aud"] == person.app.client_id
    assert before <= claims["iat"] <= time.time()
    assert claims["exp"] - claims["iat"] <= 600
    about = ours.userinfo(token=token)
    assert about["sub"] == claims["sub"]
    assert (about["name"], about["email"]) == (person.user.name, person.user.email)
    fresh = ours._get_oauth_client(**ours.load_server_metadata()).refresh_token(
        f"{origin}/oauth/token", refresh_token=token["refresh_token"]
    )
    again = ours.parse_id_token(fresh, None)
    assert (again["sub"], again["auth_time"]) == (claims["sub"], claims["auth_time"])


def test_it_believes_no_token_for_another_nonce_client_or_issuer(origin, person):
    ours, token, claims = signed_in(origin, person)
    with pytest.raises(JoseError, match="nonce"):
        ours.parse_id_token(token, "another")
    other = party(origin, make_client(person.member.organization, *SCOPES, kind="confidential"))
    with pytest.raises(JoseError, match=r"azp|aud"):
        other.parse_id_token(token, claims["nonce"])
    ours.load_server_metadata()["issuer"] = "https://evil.example"
    with pytest.raises(JoseError, match="iss"):
        ours.parse_id_token(token, claims["nonce"])


def test_it_believes_the_retiring_key_until_it_is_gone(origin, person):
    _, token, claims = signed_in(origin, person)

    def believed():
        return party(origin, person.app).parse_id_token(token, claims["nonce"])["sub"]

    assert believed() == claims["sub"]
    call_command("rotate_oidc_keys")
    assert believed() == claims["sub"]
    ours, fresh, newer = signed_in(origin, person)
    assert newer["sub"] == claims["sub"]
    call_command("rotate_oidc_keys", "--end-retiring")
    with pytest.raises((BadSignatureError, InvalidKeyIdError)):
        believed()
    assert ours.parse_id_token(fresh, newer["nonce"])["sub"] == claims["sub"]
