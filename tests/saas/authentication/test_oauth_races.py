"""Eight at once: one is first, seven are refused, and one living pair is left."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from oauth2_provider.models import get_access_token_model, get_grant_model, get_refresh_token_model

from tests.cast import make_tenant
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
from tests.saas.wire import send

pytestmark = [pytest.mark.core]

CALLERS, ROUNDS = 8, 3
READ = "notes:read"


def at_once(*calls):
    """The answers of all calls, each from a thread and a connection of its own."""
    start = Barrier(len(calls))

    def run(call):
        try:
            start.wait()
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def statuses(answers):
    """How they ended, first the good ones; each refusal is the one that a client understands."""
    for answer in answers:
        assert answer.status_code == 200 or answer.json()["error"] == "invalid_grant"
    return sorted(answer.status_code for answer in answers)


def living():
    """How many access and refresh tokens open something."""
    refreshing = get_refresh_token_model().objects.filter(revoked=None, grant__ended_at=None)
    return get_access_token_model().objects.count(), refreshing.count()


@pytest.fixture
def acme(committed):
    """Acme in a database of its own."""
    return make_tenant("Acme")


@pytest.mark.practice("X-07")
def test_of_eight_exchanges_of_a_code_one_gives_a_pair_and_the_pair_lives(acme):
    app = make_client(acme, READ)
    for round in range(1, ROUNDS + 1):
        code = code_for(app, acme.clerk, READ)
        answers = at_once(*[lambda code=code: exchange(app, code)] * CALLERS)
        assert statuses(answers) == [200] + [400] * (CALLERS - 1)
        assert living() == (round, round)
        [pair] = [answer.json() for answer in answers if answer.status_code == 200]
        assert send("GET", headers=bearer(pair["access_token"])).status_code == 200


@pytest.mark.practice("AUTHN-04")
def test_of_eight_refreshes_one_gives_a_pair_and_the_pair_lives(acme):
    app = make_client(acme, READ)
    pair = tokens_for(acme.clerk, READ, client=app)
    for _ in range(ROUNDS):
        token = pair["refresh_token"]
        answers = at_once(*[lambda token=token: refresh(app, token)] * CALLERS)
        assert statuses(answers) == [200] + [400] * (CALLERS - 1)
        assert living() == (1, 1)
        [pair] = [answer.json() for answer in answers if answer.status_code == 200]
    assert refresh(app, pair["refresh_token"]).status_code == 200


@pytest.mark.practice("AUTHN-04")
def test_a_replay_beside_a_refresh_leaves_nothing_alive(acme, settings):
    app = make_client(acme, READ)
    for _ in range(ROUNDS):
        first = tokens_for(acme.clerk, READ, client=app)
        second = refresh(app, first["refresh_token"]).json()
        send("GET", headers=bearer(second["access_token"]))  # so what comes back now is a replay
        answers = at_once(
            *[lambda pair=first: refresh(app, pair["refresh_token"])] * 3,
            *[lambda pair=second: refresh(app, pair["refresh_token"])] * 3,
        )
        statuses(answers)
        assert living() == (0, 0)


@pytest.mark.practice("AUTHN-16")
def test_a_revocation_beside_a_refresh_leaves_nothing_alive(acme):
    app = make_client(acme, READ)
    for _ in range(ROUNDS):
        pair = tokens_for(acme.clerk, READ, client=app)
        form = {"client_id": app.client_id, "token": pair["refresh_token"]}
        at_once(
            lambda pair=pair: refresh(app, pair["refresh_token"]),
            lambda form=form: post("/oauth/revoke", form),
        )
        assert living() == (0, 0)


@pytest.mark.practice("AUTHN-13")
def test_of_two_hundred_guesses_at_once_ten_are_looked_at(acme, monkeypatch):
    from saas.authentication.oauth import clients

    service = make_service(acme, READ)
    looked = []

    def counted(secret, stored):
        looked.append(secret)
        return False

    monkeypatch.setattr(clients, "check_password", counted)
    form = {"grant_type": "client_credentials", "scope": READ}
    guesses = [lambda: post("/oauth/token", form, **basic(service, "wrong"))] * 200
    answers = [answer for _ in range(10) for answer in at_once(*guesses[:20])]
    # The eleventh waits a second: a run that lasts longer than that lets one more through.
    assert len(looked) <= 12
    assert {answer.status_code for answer in answers} == {401, 429}


def test_a_service_may_ask_from_several_machines_at_once(acme):
    service = make_service(acme, READ)
    answers = at_once(*[lambda: service_token(service, READ)] * CALLERS)
    assert {answer.status_code for answer in answers} == {200}
    assert living() == (CALLERS, 0)
    assert not get_grant_model().objects.exists()
