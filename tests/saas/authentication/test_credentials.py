"""Exactly one credential, from a header; whatever is wrong with it, a stranger hears the same."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.integrations.models import ApiKey
from apps.organizations.models import Membership
from saas.authentication.keys import mint
from saas.tenancy.binding import bind
from tests.cast import make_key
from tests.saas.wire import NOTES, but_for_instance, refused, send, statements

pytestmark = [pytest.mark.core, pytest.mark.django_db]

CHALLENGE = 'Bearer realm="https://api.strongroom.example"'


@pytest.mark.practice("AUTHN-16")
@pytest.mark.practice("AUTHN-01")
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_without_a_credential_nothing_works_and_the_challenge_says_how(method):
    answer = send(method)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].split(", ")[0] == CHALLENGE


@pytest.mark.practice("AUTHN-01")
@pytest.mark.parametrize("name", ["sessionid", "__Host-session", "session", "csrftoken"])
def test_a_cookie_is_no_credential(acme, name):
    for value in (acme.owner.secret, "x" * 32):
        answer = send("GET", headers={"Cookie": f"{name}={value}"})
        refused(answer, 401, "invalid-token")
        assert not answer.cookies
        assert "cookie" not in answer.get("Vary", "").lower()


@pytest.mark.practice("AUTHN-07")
def test_a_key_in_the_wrong_place_opens_nothing(acme):
    key = acme.owner.secret
    for headers in ({"Authorization": f"X-API-Key {key}"}, {"Authorization": f"Basic {key}"},
                    {"Authorization": key}, {"X-Api-Token": key}, {"API-Key": key}):  # fmt: skip
        refused(send("GET", headers=headers), 401, "invalid-token")
    form = send("POST", body=f"api_key={key}".encode(),
                content_type="application/x-www-form-urlencoded")  # fmt: skip
    refused(form, 415, "unsupported-media-type")
    body = send("POST", body=b'{"api_key": "%s"}' % key.encode())
    refused(body, 401, "invalid-token")


@pytest.mark.practice("AUTHN-05")
@pytest.mark.practice("AUTHN-07")
@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": ""},
        {"X-API-Key": " "},
        {"X-API-Key": "sr_live_"},
        {"X-API-Key": mint().secret[:-1] + "!"},
        {"X-API-Key": mint().secret + " "},
        {"X-API-Key": mint().secret[::-1]},
        {"X-API-Key": "k" * 8192},
        {"X-API-Key": "ключ"},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearerx y"},
        {"Authorization": "Basic dXNlcjp3b3Jk"},
        {"Authorization": "bearer " + "t" * 8192},
        {"Authorization": "Négotiate x"},
    ],
)
def test_what_cannot_be_a_credential_costs_no_query(headers):
    with statements() as sent:
        answer = send("GET", headers=headers)
    refused(answer, 401, "invalid-token")
    assert sent == []


def test_a_key_opens_what_its_maker_may_do(acme):
    assert send("GET", key=acme.viewer.secret).status_code == 200


@pytest.mark.practice("AUTHN-16")
@pytest.mark.practice("RATE-10")
def test_wrong_expired_revoked_orphaned_and_malformed_keys_get_the_same_bytes(acme):
    now = timezone.now()
    people = {"expired": acme.clerk, "revoked": acme.admin, "maker inactive": acme.accountant,
              "maker left": acme.viewer}  # fmt: skip
    for member in people.values():
        assert send("GET", key=member.secret).status_code == 200
    with bind(acme.id):
        ApiKey.objects.filter(pk=acme.clerk.key.pk).update(expires_at=now)
        ApiKey.objects.filter(pk=acme.admin.key.pk).update(revoked_at=now)
        Membership.objects.filter(user=acme.viewer.user).delete()
    acme.accountant.user.is_active = False
    acme.accountant.user.save()
    expected = but_for_instance(send("GET", key=mint().secret))
    assert expected[0] == 401
    assert expected[1]["WWW-Authenticate"].startswith(CHALLENGE + ', error="invalid_token"')
    for why, member in people.items():
        assert but_for_instance(send("GET", key=member.secret)) == expected, why
    assert but_for_instance(send("GET", key="malformed")) == expected
    assert send("GET", key=acme.owner.secret).status_code == 200


@pytest.mark.practice("AUTHN-17")
def test_a_key_lives_to_its_last_moment_and_not_one_longer(acme, time_machine):
    key, secret = make_key(acme.id, acme.owner.user, ["notes:read"])
    time_machine.move_to(key.expires_at - timedelta(seconds=1), tick=False)
    assert send("GET", key=secret).status_code == 200
    time_machine.move_to(key.expires_at, tick=False)
    refused(send("GET", key=secret), 401, "invalid-token")


@pytest.mark.practice("AUTHZ-10")
def test_a_key_without_scopes_opens_nothing_but_says_which_one_is_missing(acme):
    answer = acme.owner.with_scopes().get("notes")
    refused(answer, 403, "insufficient-scope")
    assert answer["WWW-Authenticate"] == (
        f'{CHALLENGE}, error="insufficient_scope", scope="notes:read"'
    )


def test_the_credential_is_asked_before_the_body_and_the_row_are_looked_at(acme):
    for path in (NOTES, f"{NOTES}/00000000-0000-7000-8000-000000000000/copies"):
        refused(send("POST", path, body=b"{nonsense"), 401, "invalid-token")
