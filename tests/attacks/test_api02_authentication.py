"""API2, broken authentication: Mallory has keys that are mistyped, dead, somebody else's or in the
wrong place, and tries to be somebody with them.
"""

from datetime import timedelta
from itertools import product

import pytest
from django.conf import settings as live
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver
from django.utils import timezone

from saas.authentication import keys
from saas.edge.exposure import MAX_REPORTED
from saas.tenancy.binding import bind
from tests.attacks.surface import OPERATIONS, READING, comparable, new_network
from tests.cast import V1, call
from tests.matrix.samples import filled

pytestmark = [pytest.mark.core]

SITE = ["/", "/health/live", "/health/ready", "/static/x.css", "/docs/", "/dev/mail", "/nowhere"]
SITE += ["/oauth/token", "/oauth/authorize", "/accounts/", "/api/v9/x", "/.well-known/jwks.json"]
SITE += ["/security/disclose-token"]
SITE += sorted({V1 + operation.path for operation in OPERATIONS})


def bend(secret):
    """What a key becomes under a hand that guesses; none of these is the key."""
    body = secret.removeprefix(keys.PREFIX)
    yield from (secret[:-1], secret + "0", secret.lower(), secret.upper(), secret.swapcase())
    yield from (body, "sr_test_" + body, "SR_LIVE_" + body, keys.PREFIX, secret[:20], secret[::-1])
    yield from (
        f"Bearer {secret}",
        f"'{secret}'",
        f"{secret};",
        f"{secret}/",
        f"{secret}\t{secret}",
    )
    yield from (secret.replace("sr_live_", "sr-live-"), secret[:40] + "\u0661" + secret[41:])
    yield from ("", " ", "null", "undefined", "0", "*", "%", "' OR 1=1 --", "a" * 8192, "\xff\xfe")


def test_a_bent_key_is_nobodys_and_costs_no_query(acme, stranger):
    owner = acme.owner
    for bent in bend(owner.secret):
        with CaptureQueriesContext(connection) as work:
            answer = stranger("GET", "me", X_API_Key=bent)
        assert answer.status_code == 401, bent
        assert not [q for q in work if "SAVEPOINT" not in q["sql"]], bent
        assert owner.secret not in answer.content.decode()


@pytest.mark.practice("AUTHN-05")
def test_a_key_is_known_whole_or_not_at_all(acme, stranger):
    public = keys.PREFIX + acme.owner.key.public_id
    body = public + keys.mint().secret[len(public) : -keys.CHECKSUM]
    assert stranger("GET", "me", X_API_Key=body + keys.checksum(body)).status_code == 401


@pytest.mark.practice("AUTHN-16")
def test_every_dead_key_hears_the_same_as_one_that_never_was(acme, globex, stranger):
    revoked, expired, left = (acme.clerk.with_scopes() for _ in range(3))
    with bind(acme.id):
        revoked.key.revoked_at = timezone.now()
        revoked.key.save()
        expired.key.expires_at = timezone.now() - timedelta(microseconds=1)
        expired.key.save()
    members = acme.owner.get("members").json()["results"]
    clerk = next(row["id"] for row in members if row["role"] == "clerk")
    assert acme.owner.delete(f"members/{clerk}").status_code == 204
    globex.viewer.user.is_active = False
    globex.viewer.user.save()
    gone = globex.viewer
    never = comparable(stranger("GET", "me", X_API_Key=keys.mint().secret))
    assert never[0] == 401
    for dead in (revoked, expired, left, acme.clerk, gone):
        assert comparable(dead.get("me")) == never


@pytest.mark.practice("AUTHN-01")
def test_a_key_anywhere_but_in_its_header_opens_nothing(acme):
    secret = acme.owner.secret
    tries = [
        {"Cookie": f"X-API-Key={secret}; sessionid={secret}; __Host-session={secret}"},
        {"Authorization": f"Bearer {secret}"},
        {"Authorization": f"X-API-Key {secret}"},
        {"Authorization": f"Basic {secret}"},
        {"Authorization": secret},
        {"Proxy-Authorization": f"Bearer {secret}"},
        {"X-API-Token": secret, "Api-Key": secret, "X-Auth": secret, "Token": secret},
        {"X-Forwarded-User": "owner@acme.example", "X-Remote-User": "owner", "From": secret},
    ]
    body = {"api_key": secret, "access_token": secret, "X-API-Key": secret}
    for operation in OPERATIONS:
        path = filled(operation.path, str(acme.id))
        for headers in tries:
            answer = call(Client(), operation.method, path, None, **headers)
            assert answer.status_code == 401, (operation, headers)
            assert answer["WWW-Authenticate"].startswith("Bearer ")
            assert not answer.cookies
        if operation.method not in READING:
            assert call(Client(), operation.method, path, body).status_code == 401
    assert acme.owner.get("me").status_code == 200


@pytest.mark.practice("AUTHN-06")
def test_a_key_in_the_url_is_refused_on_every_route_of_the_site(acme, stranger):
    spellings = ["api_key", "API_KEY", "%61pi_key", "token", "access_token", "X-Api-Key"]
    for path, spelling in product(SITE, spellings):
        url = f"{path}?a=1&{spelling}=CANARY&b=2".replace("{id}", str(acme.id))
        for answer in (stranger("GET", url), acme.owner.get(url)):
            assert answer.status_code == 400, url
            assert b"CANARY" not in answer.content
            machine = path.startswith("/oauth/") and path != "/oauth/authorize"
            code = "invalid_request" if machine else "credential-in-url"
            assert code in answer.json().values()


def test_the_site_above_is_the_site_that_there_is():
    roots = {
        str(pattern.pattern).split("<")[0].split("/")[0] for pattern in get_resolver().url_patterns
    }
    assert roots <= {path.split("/")[1] for path in SITE} | {""}


@pytest.mark.practice("AUTHN-06")
def test_a_real_key_is_revoked_wherever_in_the_url_it_stood(acme, stranger):
    for place in (
        "me?q={}",
        "customers/{}",
        "/{}",
        "/health/live?a={}&b=1",
        "me?{}",
        "me?token={}",
    ):
        for write in (str, lambda secret: secret.replace("_", "%5F")):
            caller = acme.clerk.with_scopes()
            assert caller.get("me").status_code == 200
            assert stranger("GET", place.format(write(caller.secret))).status_code == 400
            assert caller.get("me").status_code == 401, place
    assert acme.clerk.get("me").status_code == 200


@pytest.mark.practice("AUTHN-06")
def test_nobody_can_have_a_key_revoked_that_they_do_not_hold(acme, stranger, delivered):
    owner = acme.owner
    public = keys.PREFIX + owner.key.public_id
    for known in (public, str(owner.key.pk), owner.key.digest, *bend(owner.secret)):
        if owner.secret not in known and "\xff" not in known and len(known) < 4000:
            stranger("GET", "me", X_API_Key=known)
            call(Client(), "GET", f"/health/live?api_key={known}".replace(" ", "+"))
    assert owner.get("me").status_code == 200
    assert not delivered()


@pytest.mark.practice("INPUT-10")
def test_a_url_full_of_keys_costs_a_few_look_ups_and_no_more(db, stranger):
    url = "/?q=" + ".".join(keys.mint().secret for _ in range(55))
    assert len(url) < 4096
    with CaptureQueriesContext(connection) as work:
        assert stranger("GET", url).status_code == 400
    assert len([q for q in work if "api" in q["sql"].lower()]) <= MAX_REPORTED


@pytest.mark.practice("TRANS-02")
def test_a_key_sent_in_clear_is_lost_on_the_health_page_too(acme):
    caller, client = acme.clerk.with_scopes(), Client()
    answer = client.get("/health/live", headers={"X-API-Key": caller.secret}, secure=False)
    assert answer.status_code == 403
    assert answer.json()["code"] == "https-required"
    assert caller.get("me").status_code == 401
    assert client.get("/health/live", secure=False).status_code == 200


@pytest.mark.practice("AUTHN-07")
def test_two_credentials_are_refused_before_either_is_looked_at(acme):
    for more in (
        {"Authorization": "Bearer x"},
        {"Authorization": ""},
        {"Authorization": "Basic eDp5"},
    ):
        answer = acme.owner.get("me", **more)
        assert (answer.status_code, answer.json()["code"]) == (400, "multiple-credentials")
    twice = acme.owner.get("me", X_API_Key=f"{acme.owner.secret},{acme.viewer.secret}")
    assert twice.status_code == 400


@pytest.mark.practice("RATE-02")
def test_guessing_is_counted_by_network_whatever_the_guesser_says_of_their_address(db, settings):
    settings.RATES = live.RATES | {"network": live.RATES["network"]._replace(requests=5)}
    client = Client(REMOTE_ADDR=new_network())
    disguises = ["X-Forwarded-For", "Forwarded", "X-Real-IP", "True-Client-IP", "CF-Connecting-IP"]
    answers = []
    for number in range(7):
        headers = dict.fromkeys(disguises, f"192.0.2.{number}")
        headers["X-API-Key"] = keys.mint().secret
        answers.append(call(client, "GET", "me", **headers).status_code)
    assert answers == [401] * 5 + [429] * 2
