"""A key that travelled where others can read it is dead, and its maker knows."""

import pytest
from django.test import Client

from apps.integrations.models import ApiKey
from saas.audit.models import AuditEntry
from saas.tenancy.binding import bind
from tests.oauth import Holder, tokens_for

pytestmark = [pytest.mark.core]

SHOWN_IN_URLS = [
    "/api/v1/customers?api_key={}",
    "/api/v1/me?access_token={}",
    "/api/v1/customers?country={}",  # no name of a credential, but the form of one
    "/api/v1/api-keys/{}",
    "/api/v1/no-such-path?token={}",
    "/no/such/page?key={}",
]


def is_dead(member):
    """Whether the member's key is revoked and opens nothing."""
    with bind(member.organization.id):
        revoked = ApiKey.objects.get(pk=member.key.pk).revoked_at is not None
    return revoked and member.get("customers").status_code == 401


def exposures(tenant):
    """What the trail says of exposed keys."""
    with bind(tenant.id):
        return list(AuditEntry.objects.filter(event="api-key.exposed"))


@pytest.mark.practice("AUTHN-06")
@pytest.mark.parametrize("url", SHOWN_IN_URLS)
def test_a_key_in_a_url_is_refused_and_dead_and_its_maker_is_told(acme, url, delivered):
    client = Client(raise_request_exception=False)
    refused = client.get(url.format(acme.clerk.secret), secure=True)
    assert refused.status_code == 400
    assert refused.json()["code"] == "credential-in-url"
    assert acme.clerk.secret not in refused.content.decode()
    assert is_dead(acme.clerk)
    [entry] = exposures(acme)
    assert (entry.object_id, entry.principal_kind) == (acme.clerk.key.pk, "system")
    assert entry.data == {"why": "sent in a URL"}
    [letter] = delivered(acme.clerk.user.email)
    assert acme.clerk.key.public_id in letter.body
    assert acme.clerk.secret not in letter.body


@pytest.mark.practice("AUTHN-06")
def test_a_good_header_does_not_excuse_a_key_in_the_url(acme, delivered):
    refused = acme.owner.get(f"customers?api_key={acme.clerk.secret}")
    assert refused.status_code == 400
    assert refused.json()["code"] == "credential-in-url"
    assert [error["parameter"] for error in refused.json()["errors"]] == ["api_key"]
    assert is_dead(acme.clerk)
    assert acme.owner.get("customers").status_code == 200
    assert len(delivered(acme.clerk.user.email)) == 1


@pytest.mark.practice("TRANS-02")
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_key_sent_in_clear_is_refused_and_dead_and_its_maker_is_told(acme, method, delivered):
    client = Client(raise_request_exception=False)
    refused = client.generic(method, "/api/v1/customers", headers={"X-API-Key": acme.clerk.secret})
    assert refused.status_code == 403
    assert refused.json()["code"] == "https-required"
    assert "Location" not in refused
    assert is_dead(acme.clerk)
    [entry] = exposures(acme)
    assert entry.data == {"why": "sent over an unencrypted connection"}
    assert len(delivered(acme.clerk.user.email)) == 1


def test_what_only_looks_like_a_key_is_refused_and_ends_nothing(acme, delivered):
    wrong = acme.clerk.secret[:-1] + ("0" if acme.clerk.secret[-1] != "0" else "1")
    refused = acme.owner.get(f"customers?api_key={wrong}")
    assert refused.status_code == 400
    assert acme.clerk.get("customers").status_code == 200
    assert exposures(acme) == []
    assert delivered() == []


def test_a_key_exposed_twice_is_recorded_and_told_once(acme, delivered):
    for _ in range(2):
        acme.owner.get(f"customers?api_key={acme.clerk.secret}")
    assert len(exposures(acme)) == 1
    assert len(delivered(acme.clerk.user.email)) == 1


def test_an_exposed_key_ends_alone(acme, globex, delivered):
    globex.owner.get(f"customers?api_key={acme.clerk.secret}")
    for member in (acme.owner, acme.viewer, globex.owner, globex.clerk):
        assert member.get("customers").status_code == 200
    assert exposures(globex) == []


@pytest.mark.practice("AUTHN-06")
def test_an_organization_may_have_its_exposed_credentials_stay(acme, delivered):
    pair = tokens_for(acme.clerk, "customers:read")
    switch = {"keep_exposed_credentials": True}
    assert acme.owner.patch("security-policy", switch).status_code == 200
    for secret in (acme.clerk.secret, pair["access_token"], pair["refresh_token"]):
        assert acme.owner.get(f"customers?token={secret}").status_code == 400
    assert acme.clerk.get("customers").status_code == 200
    assert Holder(pair["access_token"]).get("customers").status_code == 200
    assert exposures(acme) == []
    acme.owner.patch("security-policy", {"keep_exposed_credentials": False})
    for secret in (acme.clerk.secret, pair["refresh_token"]):
        acme.owner.get(f"customers?token={secret}")
    assert is_dead(acme.clerk)
    assert Holder(pair["access_token"]).get("customers").status_code == 401
