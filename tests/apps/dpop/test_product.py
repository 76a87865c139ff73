"""DPoP in the product: the consent page passes the key on, and every route asks for the proof."""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client

from saas.authorization.permissions import known_permissions
from saas.checks import secure_views
from tests.cast import V1, call
from tests.oauth import CALLBACK, CHALLENGE, code_for, exchange, make_client
from tests.saas.authentication.dpop.prover import Prover, code_form

pytestmark = [pytest.mark.core, pytest.mark.django_db, pytest.mark.practice("AUTHN-14")]

READ = "customers:read"
ABSENT = "00000000-0000-7000-8000-000000000000"


def consented(app, member, jkt):
    """What the client is told after the person said yes on the page."""
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
    assert answer.status_code == 303
    return {name: value[0] for name, value in parse_qs(urlsplit(answer["Location"]).query).items()}


def test_a_code_that_is_stolen_from_the_browser_is_worth_nothing(acme):
    app, prover, thief = make_client(acme, READ), Prover(), Prover()
    code = consented(app, acme.clerk, prover.jkt)["code"]
    assert exchange(app, code).json()["error"] == "invalid_grant"
    assert thief.tokens(code_form(app, code)).json()["error"] == "invalid_grant"
    token = prover.tokens(code_form(app, code)).json()["access_token"]
    assert prover.get(token, f"{V1}customers").status_code == 200


def test_a_thumbprint_that_is_none_comes_back_to_the_client(acme):
    told = consented(make_client(acme, READ), acme.clerk, "nonsense")
    assert (told["error"], told["iss"]) == ("invalid_request", "https://api.strongroom.example")


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
