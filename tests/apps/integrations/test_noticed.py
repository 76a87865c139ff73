"""What the rooms notice of a credential stands in the line of the request, with whose it is."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from apps.integrations.models import ApiKey, OAuthGrant
from saas.authentication import keys
from saas.tenancy.binding import bind
from tests.apps.integrations.test_api_keys import make
from tests.cast import call, make_tenant
from tests.oauth import (
    basic,
    code_for,
    exchange,
    make_client,
    make_service,
    post,
    refresh,
    service_token,
    tokens_for,
)

pytestmark = [pytest.mark.core, pytest.mark.practice("LOG-01")]

READ = "customers:read"
SLEPT = timedelta(days=33)


@pytest.fixture
def acme(committed):
    """In a database of its own: what comes back ends a family, and that must stay."""
    return make_tenant("Acme")


def told(line):
    """What was noticed, and of whom."""
    return line["events"], line["org"], line["principal"], line["credential_id"]


def family(member):
    """Org, person and grant, as the line names them."""
    [grant] = OAuthGrant.objects.all()
    return str(member.organization.id), str(member.user.pk), str(grant.pk)


def test_a_refresh_names_its_family_and_a_replay_too(acme, lines, settings):
    settings.RACE_WINDOW = timedelta(0)
    app = make_client(acme, READ)
    first = tokens_for(acme.clerk, READ, client=app)
    assert refresh(app, first["refresh_token"]).status_code == 200
    assert refresh(app, first["refresh_token"]).status_code == 400
    assert refresh(app, keys.mint().secret).status_code == 400
    whose = family(acme.clerk)
    assert told(lines[-3]) == (["token.refreshed"], *whose)
    assert told(lines[-2]) == (["refresh.replayed"], *whose)
    assert told(lines[-1])[:2] == ([], str(acme.id))  # of the client alone


def test_a_code_that_comes_back_is_noticed(acme, lines, settings):
    settings.RACE_WINDOW = timedelta(0)
    app = make_client(acme, READ)
    code = code_for(app, acme.clerk, READ)
    assert [exchange(app, code).status_code for _ in range(2)] == [200, 400]
    assert told(lines[-1]) == (["code.replayed"], *family(acme.clerk))


def test_a_lost_race_is_no_replay(acme, lines, settings):
    settings.RACE_WINDOW = timedelta(0)
    app = make_client(acme, READ)
    first = tokens_for(acme.clerk, READ, client=app)
    refresh(app, first["refresh_token"])
    settings.RACE_WINDOW = timedelta(hours=1)
    assert refresh(app, first["refresh_token"]).status_code == 400
    assert lines[-1]["events"] == []


def test_a_wrong_secret_names_the_client_that_it_was_not(acme, lines):
    client = make_service(acme, READ)
    assert service_token(client, READ, secret="wrong").status_code == 401
    assert told(lines[-1]) == (["client.failed"], str(acme.id), None, str(client.pk))
    nobody = {"grant_type": "client_credentials", "client_id": "nobody", "client_secret": "x"}
    assert post("/oauth/token", nobody).status_code == 401
    assert told(lines[-1]) == ([], None, None, None)
    assert post("/oauth/introspect", {"token": "x"}, **basic(client, "no")).status_code == 401
    assert lines[-1]["events"] == ["client.failed"]


def test_a_key_shown_elsewhere_and_a_honeytoken(acme, lines):
    answer, away = make(acme.admin, allowed_networks=["203.0.113.0/24"])
    assert away.get("customers").status_code == 403
    id = answer.json()["id"]
    assert told(lines[-1]) == (["key.elsewhere"], str(acme.id), None, id)
    answer, bait = make(acme.admin, scopes=[READ], honeytoken=True)
    assert bait.get("customers").status_code == 401
    assert told(lines[-1]) == (["honeytoken.used"], str(acme.id), None, answer.json()["id"])


@pytest.mark.parametrize("secure", [True, False])
def test_a_living_credential_that_others_could_read_is_noticed_once(acme, lines, secure):
    client = Client(raise_request_exception=False)
    for secret, events in (
        (acme.clerk.secret, ["credential.exposed"]),
        (acme.clerk.secret, []),  # by now it is dead
        (keys.mint().secret, []),
        (tokens_for(acme.clerk, READ)["access_token"], ["credential.exposed"]),
    ):
        if secure:
            client.get(f"/api/v1/me?token={secret}", secure=True)
        else:
            client.get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"} if
                       secret.startswith("sr_a") else {"X-API-Key": secret})  # fmt: skip
        assert lines[-1]["events"] == events, secret


def test_a_key_that_slept_for_a_month_says_so_when_it_awakes(acme, lines):
    now = timezone.now()
    with time_machine.travel(now, tick=False) as clock:
        acme.clerk.get("customers")
        clock.shift(SLEPT - timedelta(days=2))
        acme.clerk.get("customers")
        clock.shift(SLEPT)
        acme.clerk.get("customers")
        acme.clerk.get("customers")
    assert [line["events"] for line in lines] == [[], [], ["key.awake"], []]


def test_a_key_that_nobody_ever_used_slept_since_it_was_made(acme, lines):
    with bind(acme.id):
        made = ApiKey.objects.get(pk=acme.clerk.key.pk).created_at
    for days, events in ((31, []), (33, ["key.awake"])):
        with time_machine.travel(made + timedelta(days=days), tick=False):
            assert call(acme.clerk.client, "GET", "customers",
                        **{"X-API-Key": acme.clerk.secret}).status_code == 200  # fmt: skip
        assert lines[-1]["events"] == events
        with bind(acme.id):
            ApiKey.objects.update(last_used_at=None)
