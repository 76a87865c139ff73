"""What is refused from the request line and the headers alone, before anything is looked up."""

import pytest
from django.conf import settings as live

from saas.authentication import keys
from saas.edge.exposure import CREDENTIAL_PARAMETERS, NOT_CREDENTIALS
from tests.saas.wire import NOTES, refused, send

pytestmark = [pytest.mark.core, pytest.mark.django_db]


@pytest.mark.practice("TRANS-02")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_bare_get_in_clear_is_sent_to_https_on_the_configured_origin(method):
    answer = send(method, f"{NOTES}?page_size=1", secure=False, headers={"Host": "localhost"})
    assert answer.status_code == 301
    assert answer["Location"] == f"{live.SAAS_ORIGIN}{NOTES}?page_size=1"
    assert "Strict-Transport-Security" not in answer


@pytest.mark.practice("TRANS-02")
@pytest.mark.parametrize(
    ("method", "sent"),
    [
        ("GET", {"headers": {"X-API-Key": "anything"}}),
        ("GET", {"headers": {"Authorization": "Bearer anything"}}),
        ("GET", {"headers": {"Authorization": ""}}),
        ("GET", {"path": f"{NOTES}?token=anything"}),
        ("GET", {"path": f"{NOTES}/{keys.mint().secret}"}),
        ("GET", {"body": b"{}"}),
        ("GET", {"headers": {"Transfer-Encoding": "chunked"}}),
        ("POST", {"body": b"{}"}),
        ("POST", {}),
        ("DELETE", {}),
        ("OPTIONS", {}),
    ],
)
def test_what_carried_a_credential_or_a_body_in_clear_is_refused_not_redirected(method, sent):
    answer = send(method, **sent, secure=False)
    refused(answer, 403, "https-required")
    assert "Location" not in answer
    assert "Strict-Transport-Security" not in answer


@pytest.mark.practice("TRANS-02")
def test_a_key_that_travelled_in_clear_opens_nothing_afterwards_and_its_maker_is_told(acme):
    assert send("GET", key=acme.clerk.secret).status_code == 200
    refused(send("GET", key=acme.clerk.secret, secure=False), 403, "https-required")
    refused(send("GET", key=acme.clerk.secret), 401, "invalid-token")
    assert send("GET", key=acme.owner.secret).status_code == 200


@pytest.mark.practice("TRANS-02")
def test_a_balancer_inside_the_house_may_ask_in_clear(settings):
    for path in settings.SAAS_CLEAR_PATHS:
        assert send("GET", path, secure=False).status_code == 404  # the toy has no such page
    assert send("GET", settings.SAAS_CLEAR_PATHS[0] + "/x", secure=False).status_code == 301


@pytest.mark.practice("RATE-11")
def test_who_goes_around_the_gateway_is_not_served(settings, acme):
    settings.SAAS_ORIGIN_NETWORKS = ["10.0.0.0/8", "2001:db8::/32"]
    settings.SAAS_TRUSTED_PROXIES = ["10.0.0.0/8", "203.0.113.0/24"]
    for stranger in ("203.0.113.9", "2001:db9::1", "", "nonsense"):
        answer = send("GET", key=acme.clerk.secret, REMOTE_ADDR=stranger)
        refused(answer, 403, "permission-denied")
        told = {"X-Forwarded-For": "10.0.0.1"}
        answer = send("GET", key=acme.clerk.secret, REMOTE_ADDR=stranger, headers=told)
        refused(answer, 403, "permission-denied")
    for gateway in ("10.1.2.3", "2001:db8::7", "::ffff:10.0.0.1"):
        assert send("GET", key=acme.clerk.secret, REMOTE_ADDR=gateway).status_code == 200
    settings.SAAS_ORIGIN_NETWORKS = []
    assert send("GET", key=acme.clerk.secret, REMOTE_ADDR="198.51.100.1").status_code == 200


@pytest.mark.practice("RATE-11")
def test_a_key_that_came_in_clear_is_lost_at_any_door(settings, acme):
    settings.SAAS_ORIGIN_NETWORKS = ["10.0.0.0/8"]
    lost = send("GET", key=acme.clerk.secret, secure=False, REMOTE_ADDR="203.0.113.9")
    refused(lost, 403, "https-required")
    refused(send("GET", key=acme.clerk.secret, REMOTE_ADDR="10.0.0.1"), 401, "invalid-token")


@pytest.mark.practice("AUTHN-06")
@pytest.mark.parametrize("path", [NOTES, "/", "/nowhere", "/api/v9/notes", "/static/x.css"])
@pytest.mark.parametrize("name", sorted(CREDENTIAL_PARAMETERS))
def test_a_credential_in_the_query_is_refused_on_every_route(path, name):
    document = refused(send("GET", f"{path}?{name.upper()}=CANARY"), 400, "credential-in-url")
    assert [error["parameter"] for error in document["errors"]] == [name.upper()]
    assert "CANARY" not in str(document)


@pytest.mark.practice("AUTHN-06")
def test_a_good_header_beside_it_changes_nothing_and_the_real_key_is_revoked(acme):
    answer = send("GET", f"{NOTES}?api_key={acme.clerk.secret}", key=acme.owner.secret)
    refused(answer, 400, "credential-in-url")
    refused(send("GET", key=acme.clerk.secret), 401, "invalid-token")
    assert send("GET", key=acme.owner.secret).status_code == 200


@pytest.mark.practice("AUTHN-06")
def test_the_maker_of_an_exposed_key_is_told_without_the_key(acme, delivered):
    send("GET", f"{NOTES}/{acme.clerk.secret}")
    (letter,) = delivered(acme.clerk.user.email)
    assert acme.clerk.secret not in letter.body
    assert acme.clerk.key.public_id in letter.body


@pytest.mark.practice("AUTHN-06")
def test_the_log_names_the_parameter_and_never_its_value(acme, lines):
    send("GET", f"{NOTES}?token={acme.clerk.secret}&title=CANARY")
    assert lines[0]["exposed_parameters"] == ["token"]
    assert lines[0]["decision"] == "credential-in-url"
    assert acme.clerk.secret not in str(lines)
    assert "CANARY" not in str(lines)


@pytest.mark.practice("AUTHN-06")
def test_a_user_in_the_url_is_a_credential_too():
    answer = send("GET", RAW_URI=f"https://user:word@testserver{NOTES}")
    refused(answer, 400, "credential-in-url")


def test_the_parameters_of_an_authorization_request_are_no_credentials():
    for name in NOT_CREDENTIALS:
        assert send("GET", f"/oauth/authorize?{name}=x").status_code == 404


@pytest.mark.practice("AUTHN-07")
@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": "one", "Authorization": "Bearer two"},
        {"X-API-Key": "", "Authorization": ""},
        {"X-API-Key": "one,two"},
        {"Authorization": "Bearer one,Bearer two"},
        {"Authorization": "DPoP one, DPoP two"},
    ],
)
def test_two_credentials_are_refused_whatever_they_are(headers):
    refused(send("GET", headers=headers), 400, "multiple-credentials")


@pytest.mark.practice("INPUT-10")
def test_a_long_url_and_a_long_head_are_refused_before_anything_is_looked_up(
    django_assert_num_queries,
):
    with django_assert_num_queries(0):
        refused(send("GET", NOTES + "?x=" + "a" * 4096), 414, "uri-too-long")
        refused(send("GET", headers={"X-Filler": "a" * 16_384}), 431, "headers-too-large")
        many = {f"X-Filler-{n}": "a" * 100 for n in range(160)}
        refused(send("GET", headers=many), 431, "headers-too-large")
        long_path = "/" + "é" * 700  # 4,200 bytes on the wire
        refused(send("GET", long_path), 414, "uri-too-long")


@pytest.mark.practice("INPUT-10")
def test_more_parameters_than_anybody_needs_are_refused():
    query = "&".join(f"a{n}=1" for n in range(200))
    refused(send("GET", f"{NOTES}?{query}"), 400, "invalid-request")
    refused(send("GET", f"{NOTES}?{query}", secure=False), 400, "invalid-request")


@pytest.mark.practice("X-03")
@pytest.mark.parametrize(
    "host", ["evil.example", "testserver.evil.example", "testserver@evil.example", "a b", "[::1"]
)
def test_a_foreign_host_is_refused_and_never_repeated(host):
    answer = send("GET", headers={"Host": host})
    refused(answer, 400, "invalid-request")
    assert host.encode() not in answer.content


@pytest.mark.practice("X-03")
def test_no_header_of_a_proxy_changes_the_host():
    answer = send("GET", "/api/v1/nothing", headers={"X-Forwarded-Host": "evil.example"})
    assert b"evil.example" not in refused(answer, 404, "not-found")["type"].encode()
