"""What a person allowed a client ends with whoever stops it, and the trail says how."""

import pytest
from django.test import Client

from saas.audit.models import AuditEntry
from saas.tenancy.binding import bind
from tests.cast import KEY, call
from tests.matrix.samples import CUSTOMER, LINE
from tests.oauth import (
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

pytestmark = [pytest.mark.core]

READ = "customers:read"


def status(token, path="customers", method="GET", body=None, **headers):
    """What a call with this token is answered."""
    return call(Client(), method, path, body, **bearer(token), **headers).status_code


def told(tenant, event):
    """What the trail says."""
    with bind(tenant.id):
        return list(AuditEntry.objects.filter(event=event))


@pytest.mark.practice("AUTHN-16")
def test_a_persons_tokens_die_when_they_leave(acme):
    app = make_client(acme, READ)
    pair = tokens_for(acme.clerk, READ, client=app)
    [membership] = [row for row in acme.owner.get("members").json()["results"]
                    if row["role"] == "clerk"]  # fmt: skip
    assert status(pair["access_token"]) == 200
    assert acme.owner.delete(f"members/{membership['id']}").status_code == 204
    assert status(pair["access_token"]) == 401
    assert refresh(app, pair["refresh_token"]).status_code == 400
    [entry] = told(acme, "oauth-grant.revoked")
    assert entry.user_id == acme.owner.user.pk


@pytest.mark.practice("AUTHN-04")
def test_a_replay_stands_in_the_trail_and_the_person_is_told(acme, delivered):
    app = make_client(acme, READ)
    first = tokens_for(acme.clerk, READ, client=app)
    second = refresh(app, first["refresh_token"]).json()
    assert status(second["access_token"]) == 200
    assert refresh(app, first["refresh_token"]).status_code == 400
    assert refresh(app, first["refresh_token"]).status_code == 400
    [entry] = told(acme, "oauth-grant.replayed")
    assert entry.data == {"user": str(acme.clerk.user.pk)}
    [letter] = delivered(acme.clerk.user.email)
    assert first["refresh_token"] not in letter.body


@pytest.mark.practice("AUTHN-06")
@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_a_token_in_a_url_is_refused_and_dead_and_its_person_is_told(acme, which, delivered):
    pair = tokens_for(acme.clerk, READ)
    refused = Client().get(f"/api/v1/customers?access_token={pair[which]}", secure=True)
    assert refused.json()["code"] == "credential-in-url"
    assert status(pair["access_token"]) == 401
    [entry] = told(acme, "oauth-grant.exposed")
    assert entry.data == {"why": "sent in a URL"}
    assert len(delivered(acme.clerk.user.email)) == 1


@pytest.mark.practice("AUTHN-06")
def test_a_services_token_in_a_url_is_dead(acme):
    token = service_token(make_service(acme, READ), READ).json()["access_token"]
    assert status(token) == 200
    Client().get(f"/api/v1/customers?x={token}", secure=True)
    assert status(token) == 401


def test_me_tells_a_service_from_a_person(acme):
    token = service_token(make_service(acme, READ), READ).json()["access_token"]
    me = call(Client(), "GET", "me", **bearer(token)).json()
    assert (me["principal"]["kind"], me["role"]) == ("service", None)
    assert me["permissions"] == me["scopes"] == [READ]
    token = tokens_for(acme.viewer, READ, "customers:write", client=None)["access_token"]
    me = call(Client(), "GET", "me", **bearer(token)).json()
    assert (me["principal"]["kind"], me["role"]) == ("user-token", "viewer")
    assert me["permissions"] == [READ]
    assert me["expires_at"] is not None


def test_a_service_drafts_invoices_and_leaves_its_name_in_the_trail(acme):
    scopes = (READ, "customers:write", "invoices:draft", "invoices:read", "audit:read")
    service = make_service(acme, *scopes)
    token = service_token(service, *scopes).json()["access_token"]
    made = call(Client(), "POST", "customers", CUSTOMER, **bearer(token))
    assert made.status_code == 201
    body = {"customer": made.json()["id"], "currency": "EUR", "lines": [LINE]}
    headers = {"Idempotency-Key": KEY}
    draft = call(Client(), "POST", "invoices", body, **bearer(token), **headers)
    assert draft.status_code == 201, draft.content
    again = service_token(service, *scopes).json()["access_token"]  # the same principal
    repeated = call(Client(), "POST", "invoices", body, **bearer(again), **headers)
    assert repeated["Idempotency-Replayed"] == "true"
    [entry] = told(acme, "customer.created")
    assert (entry.principal_kind, entry.principal_id) == ("service", service.pk)
    assert entry.user_id is None


@pytest.mark.practice("AUTHZ-05")
def test_a_service_decides_neither_who_belongs_nor_who_may_what(acme):
    persons = ("members:write", "api-keys:write", "security:write", "organization:write")
    service = make_service(acme, READ, *persons)
    for scope in persons:
        assert service_token(service, scope).json()["error"] == "invalid_scope"
    assert service_token(service, READ).status_code == 200


@pytest.mark.practice("AUTHN-16")
def test_a_client_that_ends_a_grant_leaves_it_in_the_trail(acme):
    app = make_client(acme, READ)
    pair = exchange(app, code_for(app, acme.clerk, READ)).json()
    form = {"client_id": app.client_id, "token": pair["access_token"]}
    post("/oauth/revoke", form)
    post("/oauth/revoke", form)
    assert len(told(acme, "oauth-grant.revoked")) == 1
