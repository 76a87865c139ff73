"""Eight at once: one is first, seven are refused, and one living pair is left."""

import random
import time
from ipaddress import IPv6Address

import pytest
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_grant_model, get_refresh_token_model

from saas.authentication import keys
from saas.tenancy.binding import bind
from tests.cast import make_tenant
from tests.oauth import (
    SECRET,
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
from tests.races import at_once
from tests.saas.wire import send

pytestmark = [pytest.mark.core]

CALLERS, ROUNDS = 8, 3
many = pytest.mark.parametrize("rounds", [ROUNDS, pytest.param(200, marks=pytest.mark.drill)])
READ = "notes:read"


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
@many
def test_of_eight_exchanges_of_a_code_one_gives_a_pair_and_the_pair_lives(acme, rounds):
    app = make_client(acme, READ)
    for round in range(1, rounds + 1):
        code = code_for(app, acme.clerk, READ)
        answers = at_once(*[lambda code=code: exchange(app, code)] * CALLERS)
        assert statuses(answers) == [200] + [400] * (CALLERS - 1)
        assert living() == (round, round)
        [pair] = [answer.json() for answer in answers if answer.status_code == 200]
        assert send("GET", headers=bearer(pair["access_token"])).status_code == 200


@pytest.mark.practice("AUTHN-04")
@many
def test_of_eight_refreshes_one_gives_a_pair_and_the_pair_lives(acme, rounds):
    app = make_client(acme, READ)
    pair = tokens_for(acme.clerk, READ, client=app)
    for _ in range(rounds):
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
@pytest.mark.parametrize("rounds", [3, pytest.param(25, marks=pytest.mark.drill)])
@pytest.mark.parametrize("kind", ["client", "key"])
def test_of_hundreds_of_guesses_at_once_ten_are_told_that_they_are_wrong(acme, kind, rounds):
    service, network = make_service(acme, READ), str(IPv6Address(random.getrandbits(128)))
    secret = acme.clerk.secret
    calls = {
        "client": lambda secret: token_from(network, service, secret),
        "key": lambda secret: send("GET", key=secret, REMOTE_ADDR=network),
    }
    call, right = calls[kind], {"client": SECRET, "key": secret}[kind]
    guess = {"client": "wrong", "key": guess_at(secret)}[kind]
    started = time.monotonic()
    answers = [
        answer.status_code
        for _ in range(rounds)
        for answer in at_once(*[lambda: call(guess)] * 19, lambda: call(right))
    ]
    # The eleventh waits a second, the next two: a run that lasts longer lets them through.
    late = int(time.monotonic() - started)
    assert answers.count(200) == rounds  # whoever guesses beside them
    assert 10 <= answers.count(401) <= 10 + late
    assert answers.count(429) == 20 * rounds - answers.count(200) - answers.count(401)


def token_from(network, service, secret):
    """One request for a token from a network."""
    form = f"grant_type=client_credentials&scope={READ}".encode()
    kind = "application/x-www-form-urlencoded"
    return send(
        "POST", "/oauth/token", form, content_type=kind, headers=basic(service, secret),
        REMOTE_ADDR=network,
    )  # fmt: skip


def guess_at(secret):
    """Another key with the same public id and a checksum that is right."""
    body = secret[:-12] + ("0" if secret[-12] != "0" else "1") * 6
    return body + keys.checksum(body)


@pytest.mark.practice("AUTHN-13")
def test_a_dead_key_is_told_so_however_often_it_asks(acme):
    network = str(IPv6Address(random.getrandbits(128)))
    with bind(acme.id):
        acme.clerk.key.revoked_at = timezone.now()
        acme.clerk.key.save()
    answers = [send("GET", key=acme.clerk.secret, REMOTE_ADDR=network) for _ in range(15)]
    assert {answer.status_code for answer in answers} == {401}


def test_a_service_may_ask_from_several_machines_at_once(acme):
    service = make_service(acme, READ)
    machines = 2 * CALLERS
    answers = at_once(*[lambda: service_token(service, READ)] * machines)
    assert {answer.status_code for answer in answers} == {200}
    assert living() == (machines, 0)
    assert not get_grant_model().objects.exists()
