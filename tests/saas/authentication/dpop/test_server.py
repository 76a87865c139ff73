"""At the authorization server: tokens for a key, codes for a key, and no way round either."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from oauth2_provider.models import get_access_token_model, get_refresh_token_model

from saas import counters
from saas.authentication.dpop.models import BoundClient, BoundGrant, BoundToken
from saas.authentication.oauth.scopes import INTROSPECTION
from saas.counters.store import RedisCounters
from tests.oauth import (
    basic,
    bearer,
    code_for,
    exchange,
    make_client,
    make_service,
    post,
    refresh,
    service_token,
    tokens_for,
)
from tests.saas.authentication.dpop.prover import (
    GONE,
    READ,
    Prover,
    ask,
    code_form,
    refresh_form,
)
from tests.saas.wire import NOTES, send

pytestmark = [pytest.mark.core, pytest.mark.django_db, pytest.mark.practice("AUTHN-14")]


@pytest.fixture
def app(acme):
    """A public client of Acme."""
    return make_client(acme, READ)


@pytest.fixture
def service(acme):
    """A confidential client of Acme that may introspect."""
    return make_service(acme, READ, INTROSPECTION)


def refused(answer, error, status=400):
    """Assert that this is one error of RFC 6749 §5.2."""
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/json")
    assert answer.json().keys() == {"error", "error_description"}
    assert answer.json()["error"] == error, answer.content


def test_a_proof_makes_a_token_of_its_key(acme, prover, app):
    answer = prover.pair(acme.clerk, app)
    body = answer.json()
    assert body["token_type"] == "DPoP"
    assert BoundToken.objects.get().jkt == BoundGrant.objects.get().jkt == prover.jkt
    assert prover.get(body["access_token"]).status_code == 200
    assert send("GET", headers=bearer(body["access_token"])).status_code == 401


def test_without_a_proof_nothing_changes(acme, app):
    body = tokens_for(acme.clerk, READ, client=app)
    assert body["token_type"] == "Bearer"
    assert not BoundToken.objects.exists()
    assert not BoundGrant.objects.exists()
    again = refresh(app, body["refresh_token"]).json()
    assert send("GET", headers=bearer(again["access_token"])).status_code == 200


def test_the_first_answer_is_a_nonce_and_the_code_is_still_good(acme, prover, app):
    form = code_form(app, code_for(app, acme.clerk, READ))
    for nonce in (GONE, "0" * 32, ""):
        prover.nonce = nonce
        answer = post("/oauth/token", form, DPoP=prover.proof("POST", "/oauth/token"))
        refused(answer, "use_dpop_nonce")
        assert "WWW-Authenticate" not in answer
    prover.nonce = answer["DPoP-Nonce"]
    assert prover.tokens(form).json()["token_type"] == "DPoP"


@pytest.mark.parametrize(
    "wrong",
    [
        {"htm": "GET"},
        {"htu": "https://api.strongroom.example/oauth/revoke"},
        {"htu": "https://localhost/oauth/token"},
        {"iat": 1},
        {"jti": GONE},
        {"head": {"typ": "JWT"}},
        {"head": {"alg": "none"}},
        {"head": {"jwk": {"kty": "oct", "k": "AA"}}},
        {"padding": "x" * 2048},
        {"ath": "\ud800"},
        {"nonce": "\ud800"},
    ],
)
def test_a_proof_that_is_not_right_gives_nothing_and_leaves_the_code_alone(
    acme, prover, app, token, wrong
):
    form = code_form(app, code_for(app, acme.clerk, READ))
    proof = prover.proof("POST", "/oauth/token", **wrong)
    refused(post("/oauth/token", form, DPoP=proof), "invalid_dpop_proof")
    refused(post("/oauth/token", form, DPoP=""), "invalid_dpop_proof")
    assert prover.tokens(form).status_code == 200


def test_a_proof_is_good_once_at_the_token_endpoint_too(prover, service, token):
    form = {"grant_type": "client_credentials", "scope": READ}
    proof = prover.proof("POST", "/oauth/token")
    assert post("/oauth/token", form, DPoP=proof, **basic(service)).status_code == 200
    refused(post("/oauth/token", form, DPoP=proof, **basic(service)), "invalid_dpop_proof")


def test_when_nobody_remembers_proofs_nobody_gets_a_token(prover, app, acme, token, monkeypatch):
    form = code_form(app, code_for(app, acme.clerk, READ))
    down = RedisCounters("redis://127.0.0.1:1")
    monkeypatch.setattr(counters, "shared", lambda: down)
    answer = post("/oauth/token", form, DPoP=prover.proof("POST", "/oauth/token"))
    refused(answer, "temporarily_unavailable", 503)
    monkeypatch.undo()
    assert prover.tokens(form).status_code == 200


# Refresh tokens.


def test_a_public_clients_refresh_token_is_bound_to_its_key(acme, prover, app):
    first = prover.pair(acme.clerk, app).json()
    refused(Prover().refreshed(app, first["refresh_token"]), "invalid_grant")
    refused(refresh(app, first["refresh_token"]), "invalid_grant")
    second = prover.refreshed(app, first["refresh_token"])
    assert second.json()["token_type"] == "DPoP"
    third = prover.refreshed(app, second.json()["refresh_token"]).json()
    assert prover.get(third["access_token"]).status_code == 200
    assert BoundGrant.objects.get().jkt == prover.jkt
    assert BoundToken.objects.count() == get_access_token_model().objects.count() == 1


def test_a_family_is_bound_from_its_first_proof_on(acme, prover, app):
    plain = tokens_for(acme.clerk, READ, client=app)
    bound = prover.refreshed(app, plain["refresh_token"]).json()
    assert bound["token_type"] == "DPoP"
    refused(refresh(app, bound["refresh_token"]), "invalid_grant")
    assert prover.refreshed(app, bound["refresh_token"]).status_code == 200


def test_a_confidential_clients_refresh_token_is_bound_to_its_secret(acme, prover):
    app = make_client(acme, READ, kind="confidential")
    form = code_form(app, code_for(app, acme.clerk, READ))
    del form["client_id"]
    first = prover.tokens(form, **basic(app)).json()
    assert prover.get(first["access_token"]).status_code == 200
    other = Prover()  # it may change its key
    second = other.refreshed(app, first["refresh_token"], **basic(app)).json()
    assert other.get(second["access_token"]).status_code == 200
    refused(post("/oauth/token", refresh_form(app, second["refresh_token"])), "invalid_client", 401)


def test_a_refresh_token_that_comes_back_still_ends_the_family(acme, prover, app):
    first = prover.pair(acme.clerk, app).json()
    second = prover.refreshed(app, first["refresh_token"]).json()
    refused(Prover().refreshed(app, first["refresh_token"]), "invalid_grant")
    assert prover.get(second["access_token"]).status_code == 401
    assert not get_refresh_token_model().objects.filter(revoked=None).exists()
    assert not BoundToken.objects.exists()


# Clients that must.


def test_a_client_that_must_prove_its_key_gets_nothing_without(acme, prover, app, service):
    for client in (app, service):
        call_command("dpop_client", client.client_id, stdout=StringIO())
        call_command("dpop_client", client.client_id, stdout=StringIO())
    code = code_for(app, acme.clerk, READ)
    refused(exchange(app, code), "invalid_dpop_proof")
    refused(service_token(service, READ), "invalid_dpop_proof")
    assert not get_access_token_model().objects.exists()
    pair = prover.tokens(code_form(app, code)).json()
    refused(refresh(app, pair["refresh_token"]), "invalid_dpop_proof")
    call_command("dpop_client", service.client_id, "--off", stdout=StringIO())
    assert service_token(service, READ).status_code == 200
    assert BoundClient.objects.get().client == app
    with pytest.raises(CommandError):
        call_command("dpop_client", "nobody")


# What the server says.


def test_introspection_names_the_key(acme, prover, service):
    form = {"grant_type": "client_credentials", "scope": READ}
    token = prover.tokens(form, **basic(service)).json()["access_token"]
    told = post("/oauth/introspect", {"token": token}, **basic(service)).json()
    assert (told["token_type"], told["cnf"]) == ("DPoP", {"jkt": prover.jkt})
    plain = service_token(service, READ).json()["access_token"]
    told = post("/oauth/introspect", {"token": plain}, **basic(service)).json()
    assert (told["token_type"], "cnf" in told) == ("Bearer", False)


def test_the_metadata_name_the_algorithms():
    told = send("GET", "/.well-known/oauth-authorization-server").json()
    assert told["dpop_signing_alg_values_supported"] == ["ES256", "EdDSA"]


def test_a_bound_token_is_revoked_as_any_other(acme, prover, app):
    pair = prover.pair(acme.clerk, app).json()
    form = {"token": pair["refresh_token"], "client_id": app.client_id}
    assert post("/oauth/revoke", form).status_code == 200
    answer = ask(pair["access_token"], prover.proof("GET", NOTES, pair["access_token"]))
    assert answer.status_code == 401
    assert not BoundToken.objects.exists()
