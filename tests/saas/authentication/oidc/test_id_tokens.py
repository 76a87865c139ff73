"""What an ID token says, what it leaves out, and that it opens nothing."""

import json
from base64 import urlsafe_b64encode
from datetime import timedelta

import pytest
from allauth.mfa.totp.internal.auth import generate_totp_secret
from django.conf import settings as live
from joserfc import jws
from joserfc.jwk import OctKey
from oauth2_provider.models import get_access_token_model, get_grant_model

from apps.accounts.services import Totp
from saas.authentication import lookup
from saas.authentication.oidc import tokens
from saas.authentication.oidc.keys import public_set
from saas.authorization.access import permit
from saas.authorization.operations import Allow
from saas.authorization.permissions import AnyCredential
from saas.errors import Problem
from saas.tenancy.entrance import entered
from tests.oauth import (
    bearer,
    code_for,
    exchange,
    make_client,
    make_service,
    refresh,
    service_token,
)
from tests.saas.authentication.oidc.browser import (
    NONCE,
    SCOPES,
    Person,
    parts,
    told,
    userinfo,
)
from tests.saas.wire import refused, send

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHN-10")]

ALWAYS = {"iss", "sub", "aud", "exp", "iat", "at_hash", "auth_time"}


def test_it_says_what_the_specification_asks_and_nothing_else_about_the_person(clerk):
    pair = clerk.tokens()
    header, claims = parts(pair["id_token"])
    known = {key["kid"]: key for key in public_set()["keys"]}
    assert len(known) == 2
    assert header == {"alg": "ES256", "typ": "JWT", "kid": public_set()["keys"][0]["kid"]}
    assert claims.keys() == ALWAYS | {"nonce"}
    assert (claims["iss"], claims["aud"]) == (live.SAAS_ORIGIN, clerk.app.client_id)
    assert (claims["sub"], claims["nonce"]) == (str(clerk.user.pk), NONCE)
    assert 0 < claims["exp"] - claims["iat"] <= 600
    assert claims["at_hash"] == tokens.at_hash(pair["access_token"])
    assert claims["auth_time"] <= claims["iat"]


def test_the_hash_of_the_access_token_is_the_one_of_the_specification():
    example = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"  # OIDC Core, appendix A.3
    assert tokens.at_hash(example) == "77QmUPtjPfzWtF2AnpK9RQ"


def test_without_a_nonce_there_is_none_and_without_openid_no_id_token(clerk):
    assert parts(clerk.tokens(nonce=None)["id_token"])[1].keys() == ALWAYS
    assert "id_token" not in clerk.tokens(scope="notes:read")
    assert "id_token" not in clerk.tokens(scope="profile email notes:read")


@pytest.mark.practice("AUTHN-08")
def test_it_tells_how_the_person_proved_who_they_are(clerk, anywhere):
    clerk.browser.logout()
    clerk.sign_in(anywhere)
    _, claims = parts(clerk.tokens()["id_token"])
    assert (claims["amr"], claims["acr"]) == (["pwd"], "aal1")
    seed = generate_totp_secret()
    Totp.activate(clerk.user, seed)
    assert clerk.look(prompt="login").status_code == 302
    onward = clerk.url(prompt="login")
    assert clerk.sign_in(anywhere, seed=seed, onward=onward)["Location"] == onward
    _, claims = parts(clerk.tokens(prompt="login")["id_token"])
    assert (claims["amr"], claims["acr"]) == (["otp", "pwd", "mfa"], "aal2")


def test_after_a_refresh_it_is_new_but_for_the_person_and_their_sign_in(clerk, travel):
    first = clerk.tokens()
    travel(timedelta(minutes=5))
    second = refresh(clerk.app, first["refresh_token"]).json()
    (_, before), (_, after) = parts(first["id_token"]), parts(second["id_token"])
    assert after.keys() == before.keys() - {"nonce"}
    assert all(after[name] == before[name] for name in ("iss", "sub", "aud", "auth_time"))
    assert after["iat"] > before["iat"]
    assert after["at_hash"] == tokens.at_hash(second["access_token"])
    third = refresh(clerk.app, second["refresh_token"], scope="notes:read").json()
    assert "id_token" not in third
    clerk.app.allowed_scopes = ["notes:read"]
    clerk.app.save()
    assert "id_token" not in refresh(clerk.app, third["refresh_token"], scope="notes:read").json()


def test_the_code_of_one_client_is_worth_nothing_to_another(acme, clerk):
    other = make_client(acme, *SCOPES)
    answer = exchange(other, clerk.allow())
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert "id_token" not in answer.json()


def test_a_code_that_comes_back_gives_no_second_id_token(clerk):
    code = clerk.allow()
    assert "id_token" in exchange(clerk.app, code).json()
    assert exchange(clerk.app, code).json().keys() == {"error", "error_description"}


def test_each_consent_has_the_nonce_of_its_own_request(clerk):
    codes = {nonce: clerk.allow(nonce=nonce) for nonce in ("first", "second")}
    for nonce in ("second", "first"):
        token = exchange(clerk.app, codes[nonce]).json()["id_token"]
        assert parts(token)[1]["nonce"] == nonce


def test_when_nothing_can_be_signed_nothing_is_consumed(clerk, settings, key_file):
    code = clerk.allow()
    settings.SAAS_OIDC_MAKE_KEYS = False
    answer = exchange(clerk.app, code)
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert "Retry-After" in answer
    assert not get_access_token_model().objects.exists()
    assert get_grant_model().objects.get().used_at is None
    settings.SAAS_OIDC_MAKE_KEYS = True
    assert "id_token" in exchange(clerk.app, code).json()


@pytest.mark.practice("X-10")
def test_an_id_token_is_no_access_token(clerk):
    id_token = clerk.tokens()["id_token"]
    refused(send("GET", headers=bearer(id_token)), 401, "invalid-token")
    refused(send("POST", body=b"{}", headers=bearer(id_token)), 401, "invalid-token")
    answer = userinfo(id_token)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert refresh(clerk.app, id_token).json()["error"] == "invalid_grant"


@pytest.mark.practice("X-10")
def test_a_token_that_only_says_who_somebody_is_opens_nothing(clerk):
    token = clerk.tokens(scope="openid profile email")["access_token"]
    refused(send("GET", headers=bearer(token)), 403, "insufficient-scope")
    with entered(lookup.token_principal(token), None) as actor:
        assert actor.permissions == frozenset()
        with pytest.raises(Problem) as raised:  # what every other credential may read
            permit(actor, Allow(AnyCredential.ANY))
    assert raised.value.code == "insufficient-scope"
    assert 'error="insufficient_scope"' in raised.value.headers["WWW-Authenticate"]
    assert userinfo(token).status_code == 200
    both = clerk.tokens(scope="openid notes:read")["access_token"]
    assert send("GET", headers=bearer(both)).status_code == 200
    with entered(lookup.token_principal(both), None) as actor:
        assert actor.permissions == {"notes:read"}
        permit(actor, Allow(AnyCredential.ANY))


def test_no_service_and_no_key_of_a_client_carries_an_identity(acme, clerk):
    service = make_service(acme, *SCOPES)
    answer = service_token(service, "openid")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
    assert "id_token" not in service_token(service, "notes:read").json()


def test_who_bypasses_the_page_gets_no_token_that_says_how_they_signed_in(acme, clerk):
    """A grant without a proof, as no page makes one."""
    code = code_for(clerk.app, acme.clerk, "openid")
    assert parts(exchange(clerk.app, code).json()["id_token"])[1].keys() == ALWAYS - {"auth_time"}


FORGED = {
    "none": {"alg": "none", "typ": "JWT"},
    "a key that is ours in name": {"alg": "HS256", "typ": "JWT"},
}


@pytest.mark.parametrize("header", FORGED.values(), ids=FORGED)
def test_a_token_that_chooses_its_own_algorithm_is_nobodys(clerk, header):
    """`none`, and HS256 with our public key as the secret."""
    key = public_set()["keys"][0]
    claims = {"sub": str(clerk.user.pk), "aud": clerk.app.client_id, "iss": live.SAAS_ORIGIN}
    header = header | {"kid": key["kid"]}
    if header["alg"] == "none":
        halves = (header, claims)
        texts = [urlsafe_b64encode(json.dumps(half).encode()).rstrip(b"=") for half in halves]
        forged = (b".".join(texts) + b".").decode()
    else:
        secret = OctKey.import_key(json.dumps(key))
        registry = jws.JWSRegistry(algorithms=["HS256"])
        forged = jws.serialize_compact(header, json.dumps(claims), secret, registry=registry)
    assert tokens.signed_by_us(forged) is None
    answer = told(clerk.look(id_token_hint=forged))
    assert answer["error"] == "invalid_request"


def test_of_two_people_each_has_a_subject_that_stays(acme, clerk):
    other = Person(acme.viewer, clerk.app)
    subjects = [parts(who.tokens()["id_token"])[1]["sub"] for who in (clerk, other, clerk)]
    assert subjects == [str(clerk.user.pk), str(other.user.pk), str(clerk.user.pk)]
