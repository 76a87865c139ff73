"""The token endpoint: what it gives, and everything that it refuses."""

import json
import random
import re
from datetime import timedelta
from ipaddress import IPv6Address
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from oauth2_provider.models import get_access_token_model, get_grant_model

from apps.organizations.models import Membership
from config.settings.security import Rate
from saas.authentication.oauth.scopes import IDENTITY
from saas.tenancy.binding import bind
from tests.oauth import (
    CALLBACK,
    SECRET,
    VERIFIER,
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
from tests.saas.wire import NOTES, but_for_instance, refused, send, statements

pytestmark = [pytest.mark.core, pytest.mark.django_db]

READ, WRITE = "notes:read", "notes:write"


def opens(token, path=NOTES):
    """The status that a token is answered with."""
    return send("GET", path, headers=bearer(token)).status_code


def refusal(answer, status, error):
    """Assert that this is one error of RFC 6749 §5.2, and nothing else."""
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/json")
    body = answer.json()
    assert body.keys() == {"error", "error_description"}
    assert body["error"] == error, body
    assert answer["Cache-Control"] == "no-store"
    assert ("WWW-Authenticate" in answer) == (status == 401)
    return body


@pytest.fixture
def app(acme):
    """A public client of Acme."""
    return make_client(acme, READ, WRITE)


@pytest.fixture
def service(acme):
    """A confidential client of Acme."""
    return make_service(acme, READ, WRITE)


@pytest.mark.practice("AUTHN-02")
def test_a_code_with_its_verifier_gives_a_pair_and_the_access_token_opens_the_api(acme, app):
    answer = exchange(app, code_for(app, acme.clerk, READ))
    body = answer.json()
    assert body.keys() == {"access_token", "expires_in", "token_type", "scope", "refresh_token"}
    assert (body["expires_in"], body["token_type"], body["scope"]) == (900, "Bearer", READ)
    assert answer["Cache-Control"] == "no-store"
    assert answer["Pragma"] == "no-cache"
    assert not answer.cookies
    assert opens(body["access_token"]) == 200
    refused(send("POST", headers=bearer(body["access_token"])), 403, "insufficient-scope")


@pytest.mark.practice("AUTHN-03")
def test_an_access_token_lives_fifteen_minutes_and_not_one_second_longer(acme, time_machine):
    time_machine.move_to("2026-11-22T12:00:00+00:00", tick=False)
    token = tokens_for(acme.clerk, READ)["access_token"]
    time_machine.shift(899)
    assert opens(token) == 200
    time_machine.shift(1)
    refused(send("GET", headers=bearer(token)), 401, "invalid-token")


@pytest.mark.practice("AUTHN-02")
@pytest.mark.practice("X-10")
@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_grant"),
        ({"redirect_uri": CALLBACK + "/"}, "invalid_grant"),
        ({"redirect_uri": CALLBACK + "?x=1"}, "invalid_grant"),
        ({"redirect_uri": ""}, "invalid_grant"),
        ({"code": "unknown"}, "invalid_grant"),
        ({"code": ""}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "invalid_client"),
        ({"grant_type": ""}, "invalid_request"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
        ({"code": "nul\x00byte"}, "invalid_request"),
        ({"code": "x" * 5000}, "invalid_request"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"client_id": "nul\x00byte"}, "invalid_request"),
    ],
)
def test_what_is_not_exactly_right_gives_nothing_and_leaves_the_code_alone(
    acme, app, change, error
):
    code = code_for(app, acme.clerk, READ)
    refusal(exchange(app, code, **change), 401 if error == "invalid_client" else 400, error)
    assert not get_access_token_model().objects.exists()
    assert exchange(app, code).status_code == 200


@pytest.mark.practice("AUTHN-02")
def test_a_code_without_its_verifier_or_of_another_client_gives_nothing(acme, app):
    form = {
        "grant_type": "authorization_code",
        "client_id": app.client_id,
        "redirect_uri": CALLBACK,
    }
    refusal(post("/oauth/token", form | {"code": code_for(app, acme.clerk, READ)}),
            400, "invalid_request")  # fmt: skip
    other = make_client(acme, READ)
    refusal(exchange(other, code_for(app, acme.clerk, READ)), 400, "invalid_grant")
    assert not get_access_token_model().objects.exists()


@pytest.mark.practice("AUTHN-02")
@pytest.mark.parametrize(
    "kept",
    [{"code_challenge": ""}, {"code_challenge_method": "plain", "code_challenge": VERIFIER}],
)
def test_a_code_that_no_challenge_binds_gives_nothing_whatever_verifier_is_sent(acme, app, kept):
    code = code_for(app, acme.clerk, READ)
    get_grant_model().objects.update(**kept)  # as if somebody had stripped it on the way here
    for verifier in (VERIFIER, "", "w" * 43):
        answer = exchange(app, code, code_verifier=verifier)
        assert answer.status_code == 400
        assert answer.json().keys() == {"error", "error_description"}
    assert not get_access_token_model().objects.exists()


@pytest.mark.practice("AUTHN-02")
def test_a_code_dies_after_a_minute_and_with_its_person(acme, app, time_machine):
    time_machine.move_to("2026-11-22T12:00:00+00:00", tick=False)
    code = code_for(app, acme.clerk, READ)
    time_machine.shift(60)
    refusal(exchange(app, code), 400, "invalid_grant")
    code = code_for(app, acme.clerk, READ)
    acme.clerk.user.is_active = False
    acme.clerk.user.save()
    refusal(exchange(app, code), 400, "invalid_grant")


@pytest.mark.parametrize(
    "request_of",
    [
        lambda form: ("/oauth/token?grant_type=refresh_token", form),
        lambda form: ("/oauth/token", form + "&code=1&code=2"),
        lambda form: ("/oauth/token", form + "&scope=%00"),
        lambda form: ("/oauth/token", form + "&" + "a=1&" * 200),
        lambda form: ("/oauth/token", form + "&x=%0d%0aSet-Cookie:%20a=b"),
        lambda form: ("/oauth/token", ""),
    ],
)
@pytest.mark.practice("AUTHN-02")
def test_a_form_that_is_no_form_is_refused(acme, app, request_of):
    path, form = request_of(f"grant_type=refresh_token&refresh_token=x&client_id={app.client_id}")
    refusal(post(path, form), 400, "invalid_request")


@pytest.mark.practice("AUTHN-02")
def test_only_a_post_of_a_form_is_read(acme, app):
    form = json.dumps({"grant_type": "client_credentials"})
    refusal(post("/oauth/token", form, content_type="application/json"), 415, "invalid_request")
    for path in ("/oauth/token", "/oauth/revoke", "/oauth/introspect"):
        answer = send("GET", path)
        refusal(answer, 405, "invalid_request")
        assert answer["Allow"] == "POST"
    in_url = send("POST", "/oauth/token?client_secret=x")
    refusal(in_url, 400, "invalid_request")


# Services.


@pytest.mark.practice("AUTHN-02")
def test_a_service_gets_what_it_asks_for_and_no_refresh_token(acme, service):
    body = service_token(service, READ).json()
    assert body.keys() == {"access_token", "expires_in", "token_type", "scope"}
    assert opens(body["access_token"]) == 200
    refused(send("POST", headers=bearer(body["access_token"])), 403, "insufficient-scope")
    in_form = {
        "grant_type": "client_credentials",
        "scope": READ,
        "client_id": service.client_id,
        "client_secret": SECRET,
    }
    assert post("/oauth/token", in_form).status_code == 200


@pytest.mark.practice("AUTHN-02")
@pytest.mark.practice("AUTHZ-05")
@pytest.mark.parametrize("scope", ["", " ", "notes:read-body", "nonsense", "notes:read nonsense"])
def test_a_token_carries_what_its_client_may_hold_and_an_empty_one_is_refused(service, scope):
    refusal(service_token(service, scope), 400, "invalid_scope")
    unnamed = post("/oauth/token", {"grant_type": "client_credentials"}, **basic(service))
    refusal(unnamed, 400, "invalid_scope")
    assert not get_access_token_model().objects.exists()


@pytest.mark.practice("AUTHZ-05")
def test_a_service_never_holds_what_only_persons_may(acme, settings):
    settings.SAAS_PERSONS_ONLY = frozenset({WRITE})
    service = make_service(acme, READ, WRITE)
    refusal(service_token(service, WRITE), 400, "invalid_scope")
    settings.SAAS_PERSONS_ONLY = frozenset()
    token = service_token(service, READ, WRITE).json()["access_token"]
    body = b'{"title": "x"}'
    assert send("POST", body=body, headers=bearer(token)).status_code == 201
    settings.SAAS_PERSONS_ONLY = frozenset({WRITE})
    assert send("POST", body=body, headers=bearer(token)).status_code == 403


@pytest.mark.practice("AUTHZ-05")
def test_a_scope_taken_from_a_client_is_gone_from_its_tokens_at_once(acme, service):
    token = service_token(service, READ).json()["access_token"]
    service.allowed_scopes = [WRITE]
    service.save()
    refused(send("GET", headers=bearer(token)), 403, "insufficient-scope")


@pytest.mark.practice("AUTHN-13")
def test_a_wrong_secret_an_unknown_client_and_a_public_one_get_the_same_bytes(acme, app, service):
    form = {"grant_type": "client_credentials", "scope": READ}
    answers = [
        service_token(service, READ, secret="wrong"),
        service_token(app, READ),
        post("/oauth/token", form | {"client_id": service.client_id, "client_secret": "wrong"}),
        post("/oauth/token", form | {"client_id": "nobody", "client_secret": "wrong"}),
        post("/oauth/token", form | {"client_id": service.client_id}),
        post("/oauth/token", form),
        post("/oauth/token", form, Authorization="Basic !!"),
        post("/oauth/token", form, Authorization="Basic bm8="),
        post("/oauth/token", form, Authorization="Bearer x"),
    ]
    assert len({answer.content for answer in answers}) == 1
    for answer in answers:
        refusal(answer, 401, "invalid_client")
    twice = post("/oauth/token", form | {"client_secret": SECRET}, **basic(service))
    refusal(twice, 400, "invalid_request")


@pytest.mark.practice("AUTHN-13")
def test_after_ten_wrong_secrets_a_guess_is_answered_by_a_wait_and_the_right_one_always_opens(
    service,
):
    for _ in range(10):
        refusal(service_token(service, READ, secret="wrong"), 401, "invalid_client")
    answer = service_token(service, READ, secret="wrong")
    assert answer.status_code == 429
    assert answer["Retry-After"] == "1"
    assert answer.json()["error"] == "temporarily_unavailable"
    assert service_token(service, READ).status_code == 200
    assert service_token(service, READ, secret="wrong").status_code == 429  # nothing is washed off
    elsewhere = send(
        "POST",
        "/oauth/token",
        f"grant_type=client_credentials&scope={READ}".encode(),
        content_type="application/x-www-form-urlencoded",
        headers=basic(service, "wrong"),
        REMOTE_ADDR="203.0.113.7",
    )
    assert elsewhere.status_code == 401


@pytest.mark.practice("RATE-01")
def test_a_network_that_asks_too_often_is_told_when_to_come_back(service, settings):
    settings.RATES = settings.RATES | {"sign-in": Rate(3, 60)}
    network = str(IPv6Address(random.getrandbits(128)))  # the counters outlive a test
    form = f"grant_type=client_credentials&scope={READ}".encode()
    asked: Any = {"content_type": "application/x-www-form-urlencoded", "headers": basic(service)}
    answers = [send("POST", "/oauth/token", form, REMOTE_ADDR=network, **asked) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[3]["Retry-After"]) <= 60
    assert answers[3].json()["error"] == "temporarily_unavailable"


@pytest.mark.practice("X-22")
def test_when_nobody_can_count_nobody_gets_a_token(service, settings, monkeypatch):
    from saas import counters
    from saas.counters.store import RedisCounters

    down = RedisCounters("redis://127.0.0.1:1")
    monkeypatch.setattr(counters, "shared", lambda: down)
    wrong = [service_token(service, READ, secret="wrong").status_code for _ in range(11)]
    assert wrong == [401] * 10 + [429]  # this process goes on counting
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1",
        }
    }
    answer = service_token(service, READ)
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert int(answer["Retry-After"]) > 0


# Look-up.


@pytest.mark.practice("AUTHN-16")
def test_what_is_no_living_access_token_gets_the_same_401_as_any_other(acme, app, time_machine):
    pair = tokens_for(acme.clerk, READ, client=app)
    inactive = tokens_for(acme.admin, READ, client=app)["access_token"]
    left = tokens_for(acme.viewer, READ, client=app)["access_token"]
    old = tokens_for(acme.owner, READ, client=app)["access_token"]
    get_access_token_model().objects.filter(user=acme.owner.user).update(
        expires="2026-01-01T00:00Z"
    )
    acme.admin.user.is_active = False
    acme.admin.user.save()
    with bind(acme.id):
        Membership.objects.filter(user=acme.viewer.user).delete()
    jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJvd25lciJ9."
    dead = [pair["refresh_token"], inactive, left, old, jwt, acme.clerk.secret, "x" * 5000,
            pair["access_token"][:-1], pair["access_token"] + " "]  # fmt: skip
    expected = but_for_instance(send("GET", headers=bearer("nonsense")))
    assert expected[0] == 401
    assert 'error="invalid_token"' in expected[1]["WWW-Authenticate"]
    for token in dead:
        assert but_for_instance(send("GET", headers=bearer(token))) == expected, token
    for scheme in ("Basic", "Token"):
        headers = {"Authorization": f"{scheme} {pair['access_token']}"}
        assert but_for_instance(send("GET", headers=headers)) == expected
    assert opens(pair["access_token"]) == 200
    assert (
        send("GET", headers={"Authorization": f"bEaReR {pair['access_token']}"}).status_code == 200
    )


@pytest.mark.practice("AUTHN-07")
def test_a_token_costs_one_query_and_what_is_no_token_none(acme):
    token = tokens_for(acme.clerk, READ)["access_token"]
    with statements() as sent:
        assert opens(token) == 200
    [_] = [sql for sql in sent if re.match("SELECT.*(oauthaccesstoken|saas_prove_token)", sql)]
    with statements() as sent:
        assert opens(token[:-1] + ("0" if token[-1] != "0" else "1")) == 401
    assert sent == []


@pytest.mark.practice("AUTHZ-02")
def test_a_token_opens_the_organization_that_it_was_given_for_and_no_other(acme, globex, app):
    here = tokens_for(acme.clerk, READ, WRITE, client=app)["access_token"]
    there = tokens_for(globex.clerk, READ, WRITE, client=app)["access_token"]
    made = send("POST", body=b'{"title": "ours"}', headers=bearer(here))
    assert made.status_code == 201
    assert opens(here, made["Location"].removeprefix(settings.SAAS_ORIGIN)) == 200
    assert opens(there, made["Location"].removeprefix(settings.SAAS_ORIGIN)) == 404


@pytest.mark.practice("AUTHN-11")
def test_no_table_holds_a_token_a_code_or_a_client_secret(acme, app):
    secret = "the-secret-of-a-service"
    service = make_service(acme, READ, secret=secret)
    code = code_for(app, acme.clerk, READ)
    issued = [code, secret, service_token(service, READ, secret=secret).json()["access_token"]]
    issued += [code_for(app, acme.clerk, READ)]
    pair = exchange(app, code).json()
    issued += [pair["access_token"], pair["refresh_token"]]
    issued += [refresh(app, pair["refresh_token"]).json()["refresh_token"]]
    dump = ""
    with connection.cursor() as cursor, bind(acme.id):
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # our own names
            dump += str(cursor.fetchall())
    for one in issued:
        assert one not in dump
    assert "keyed_sha256$" in dump


# Families.


@pytest.mark.practice("AUTHN-04")
def test_each_refresh_gives_a_new_pair_and_kills_the_old(acme, app):
    first = tokens_for(acme.clerk, READ, WRITE, client=app)
    second = refresh(app, first["refresh_token"]).json()
    assert second.keys() == first.keys()
    assert opens(first["access_token"]) == 401
    assert opens(second["access_token"]) == 200
    narrow = refresh(app, second["refresh_token"], scope=READ).json()
    assert narrow["scope"] == READ
    whole = refresh(app, narrow["refresh_token"]).json()
    assert set(whole["scope"].split()) == {READ, WRITE}
    refusal(refresh(app, whole["refresh_token"], scope="notes:read-body"), 400, "invalid_scope")


@pytest.mark.practice("AUTHN-04")
def test_a_refresh_token_that_comes_back_later_kills_its_family(acme, app, time_machine):
    time_machine.move_to("2026-11-22T12:00:00+00:00", tick=False)
    first = tokens_for(acme.clerk, READ, client=app)
    second = refresh(app, first["refresh_token"]).json()
    time_machine.shift(timedelta(days=1) / 100)
    assert opens(second["access_token"]) == 200
    refusal(refresh(app, first["refresh_token"]), 400, "invalid_grant")
    assert opens(second["access_token"]) == 401
    refusal(refresh(app, second["refresh_token"]), 400, "invalid_grant")
    assert not get_access_token_model().objects.exists()


@pytest.mark.practice("AUTHN-04")
def test_a_lost_race_is_refused_and_harms_nobody(acme, app, time_machine):
    first = tokens_for(acme.clerk, READ, client=app)
    time_machine.move_to("2026-11-22T12:00:00+00:00", tick=False)  # all in one moment
    second = refresh(app, first["refresh_token"]).json()
    refusal(refresh(app, first["refresh_token"]), 400, "invalid_grant")
    assert opens(second["access_token"]) == 200
    assert refresh(app, second["refresh_token"]).status_code == 200


@pytest.mark.practice("AUTHN-04")
def test_who_asks_again_with_the_answer_in_hand_did_not_lose_a_race(acme, app):
    first = tokens_for(acme.clerk, READ, client=app)
    second = refresh(app, first["refresh_token"]).json()
    refusal(refresh(app, first["refresh_token"]), 400, "invalid_grant")
    assert opens(second["access_token"]) == 401


@pytest.mark.practice("AUTHN-04")
def test_a_family_ends_after_seven_days_however_often_it_is_used(
    acme, app, time_machine, monkeypatch
):
    monkeypatch.setattr(settings, "RACE_WINDOW", timedelta())  # nobody races here
    time_machine.move_to("2026-11-22T12:00:00+00:00", tick=False)
    pair = tokens_for(acme.clerk, READ, client=app)
    for _ in range(7 * 24 - 1):
        time_machine.shift(3600)
        pair = refresh(app, pair["refresh_token"]).json()
    time_machine.shift(3600 - 300)
    pair = refresh(app, pair["refresh_token"]).json()
    assert pair["expires_in"] == 300  # and its last access token with it
    time_machine.shift(300)
    refusal(refresh(app, pair["refresh_token"]), 400, "invalid_grant")
    assert opens(pair["access_token"]) == 401


@pytest.mark.practice("AUTHN-04")
def test_a_refresh_token_is_good_for_its_client_and_its_active_person_alone(acme, app):
    pair = tokens_for(acme.clerk, READ, client=app)
    refusal(refresh(make_client(acme, READ), pair["refresh_token"]), 400, "invalid_grant")
    refusal(refresh(app, pair["access_token"]), 400, "invalid_grant")
    acme.clerk.user.is_active = False
    acme.clerk.user.save()
    refusal(refresh(app, pair["refresh_token"]), 400, "invalid_grant")


@pytest.mark.practice("X-07")
def test_a_code_that_comes_back_kills_the_tokens_it_gave(acme, app, time_machine):
    code = code_for(app, acme.clerk, READ)
    pair = exchange(app, code).json()
    refusal(exchange(app, code), 400, "invalid_grant")
    assert opens(pair["access_token"]) == 401
    refusal(refresh(app, pair["refresh_token"]), 400, "invalid_grant")


# Revocation, introspection, metadata.


@pytest.mark.practice("AUTHN-16")
@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_a_revoked_token_takes_its_family_along(acme, app, which):
    pair = tokens_for(acme.clerk, READ, client=app)
    form = {"client_id": app.client_id, "token": pair[which], "token_type_hint": "nonsense"}
    answer = post("/oauth/revoke", form)
    assert answer.status_code == 200
    assert opens(pair["access_token"]) == 401
    refusal(refresh(app, pair["refresh_token"]), 400, "invalid_grant")
    assert post("/oauth/revoke", form).status_code == 200


@pytest.mark.practice("AUTHN-16")
def test_another_clients_token_is_answered_the_same_and_lives_on(acme, app, service):
    pair = tokens_for(acme.clerk, READ, client=app)
    foreign = post("/oauth/revoke", {"token": pair["access_token"]}, **basic(service))
    nothing = post("/oauth/revoke", {"token": "nonsense"}, **basic(service))
    assert (foreign.status_code, foreign.content) == (nothing.status_code, nothing.content)
    assert foreign.status_code == 200
    assert opens(pair["access_token"]) == 200
    mine = service_token(service, READ).json()["access_token"]
    refusal(post("/oauth/revoke", {"token": mine}), 401, "invalid_client")
    assert post("/oauth/revoke", {"token": mine}, **basic(service)).status_code == 200
    assert opens(mine) == 401
    refusal(post("/oauth/revoke", {"client_id": app.client_id}), 400, "invalid_request")


@pytest.mark.practice("X-11")
def test_a_client_learns_of_its_own_living_tokens_and_of_nothing_else(acme, globex, app):
    service = make_service(acme, READ, "introspection")
    other = make_service(globex, READ, "introspection")
    token = service_token(service, READ).json()["access_token"]
    foreign = [
        service_token(other, READ).json()["access_token"],
        tokens_for(acme.clerk, READ, client=app)["access_token"],
        "nonsense",
        acme.clerk.secret,
    ]
    told = post("/oauth/introspect", {"token": token}, **basic(service)).json()
    assert told.keys() == {"active", "scope", "client_id", "token_type", "exp", "iat", "iss",
                           "aud", "sub"}  # fmt: skip
    assert told["active"] is True
    assert told["scope"] == READ
    for secret in foreign:
        answer = post("/oauth/introspect", {"token": secret}, **basic(service))
        assert (answer.status_code, answer.json()) == (200, {"active": False})
    post("/oauth/revoke", {"token": token}, **basic(service))
    assert post("/oauth/introspect", {"token": token}, **basic(service)).json() == {"active": False}


@pytest.mark.practice("X-11")
def test_introspection_wants_a_secret_and_the_scope_for_it(acme, app, service):
    form = {"token": "x"}
    refusal(post("/oauth/introspect", form, **basic(service)), 403, "insufficient_scope")
    refusal(post("/oauth/introspect", form | {"client_id": app.client_id}), 403,
            "insufficient_scope")  # fmt: skip
    refusal(post("/oauth/introspect", form), 401, "invalid_client")
    refusal(post("/oauth/introspect", {}, **basic(service)), 400, "invalid_request")
    named = tokens_for(acme.clerk, READ, client=app)["access_token"]
    refusal(post("/oauth/introspect", form, **bearer(named)), 401, "invalid_client")


@pytest.mark.practice("X-09")
def test_the_metadata_lists_what_is_accepted_and_the_configured_issuer():
    answer = send("GET", "/.well-known/oauth-authorization-server", HTTP_HOST="localhost")
    told = answer.json()
    assert told["issuer"] == "https://api.strongroom.example"
    assert told["response_types_supported"] == ["code"]
    assert told["grant_types_supported"] == [
        "authorization_code",
        "refresh_token",
        "client_credentials",
    ]
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["authorization_response_iss_parameter_supported"] is True
    known = set(told["scopes_supported"]) - IDENTITY.keys()  # which belong to a module
    assert known == {READ, WRITE, "notes:read-body", "introspection"}
    for name, value in told.items():
        assert not name.endswith("_endpoint") or value.startswith(told["issuer"] + "/oauth/")
    assert VERIFIER not in answer.content.decode()
