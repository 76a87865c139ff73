"""DPoP in the product: the consent page passes the key on, and every route asks for the proof."""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client
from oauth2_provider.models import get_access_token_model, get_grant_model

from saas.authorization.permissions import known_permissions
from saas.checks import secure_views
from tests.cast import V1, call
from tests.oauth import CALLBACK, CHALLENGE, basic, code_for, exchange, make_client, post
from tests.saas.authentication.dpop.prover import Prover, code_form

pytestmark = [pytest.mark.core, pytest.mark.django_db, pytest.mark.practice("AUTHN-14")]

READ = "customers:read"
ABSENT = "00000000-0000-7000-8000-000000000000"


def told_after_consent(app, member, jkt):
    """What the client is told when a person says yes on the page to a code for this key."""
    browser = Client(raise_request_exception=False)
    browser.force_login(member.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    asked = {
        "response_type": "code",
        "client_id": app.client_id,
        "redirect_uri": CALLBACK,
        "scope": READ,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "dpop_jkt": jkt,
    }
    form = {"decision": "allow", "organization": str(member.organization.id)}
    answer = browser.post(f"/oauth/authorize?{urlencode(asked)}", form, secure=True)
    assert answer.status_code == 303, answer.content
    told = parse_qs(urlsplit(answer["Location"]).query)
    return {name: values[0] for name, values in told.items()}


def test_a_code_that_is_stolen_from_the_browser_is_worth_nothing(acme):
    app, prover, thief = make_client(acme, READ), Prover(), Prover()
    form = code_form(app, told_after_consent(app, acme.clerk, prover.jkt)["code"])
    assert thief.tokens(form).json()["error"] == "invalid_grant"
    assert exchange(app, form["code"]).json()["error"] == "invalid_grant"
    assert not get_access_token_model().objects.exists()
    token = prover.tokens(form).json()["access_token"]
    assert prover.get(token, f"{V1}customers").status_code == 200


def test_a_code_for_a_key_binds_a_confidential_client_too(acme):
    app, prover, thief = make_client(acme, READ, kind="confidential"), Prover(), Prover()
    form = code_form(app, told_after_consent(app, acme.clerk, prover.jkt)["code"])
    del form["client_id"]
    assert thief.tokens(form, **basic(app)).json()["error"] == "invalid_grant"
    assert post("/oauth/token", form, **basic(app)).json()["error"] == "invalid_grant"
    assert prover.tokens(form, **basic(app)).status_code == 200


@pytest.mark.parametrize("wrong", ["x", "x" * 42, "x" * 44, "!" * 43, "é" * 43, " "])
def test_what_is_no_thumbprint_comes_back_to_the_client(acme, wrong):
    told = told_after_consent(make_client(acme, READ), acme.clerk, wrong)
    assert (told["error"], told["iss"]) == ("invalid_request", "https://api.strongroom.example")
    assert "dpop_jkt" in told["error_description"]
    assert not get_grant_model().objects.exists()


def test_every_operation_wants_the_proof(acme):
    scopes = sorted(known_permissions())
    prover, app = Prover(), make_client(acme, *scopes)
    form = code_form(app, code_for(app, acme.owner, *scopes))
    token = prover.tokens(form).json()["access_token"]
    assert prover.get(token, f"{V1}me").json()["role"] == "owner"
    tried = 0
    for route, _view, actions in secure_views():
        path = "/" + "/".join(ABSENT if "<" in part else part for part in route.split("/"))
        for method in sorted({name.upper() for name in actions}):
            bare = {"Authorization": f"Bearer {token}"}, {"Authorization": f"DPoP {token}"}
            for headers in bare:
                assert call(Client(), method, path, None, **headers).status_code == 401, path
            elsewhere = prover.proof(method, f"{path}/x", token)
            headers = bare[1] | {"DPoP": elsewhere}
            assert call(Client(), method, path, None, **headers).status_code == 401, path
            headers = bare[1] | {"DPoP": prover.proof(method, path, token)}
            assert call(Client(), method, path, None, **headers).status_code != 401, path
            tried += 1
    assert tried > 20
