"""Who am I: what a credential is worth at this moment, and not a word more."""

import pytest

from saas.authorization.permissions import known_permissions
from saas.context import roles

pytestmark = [pytest.mark.core]

WHOLE = {"principal", "organization", "role", "scopes", "permissions", "expires_at"}


def test_every_member_learns_what_their_key_is_and_where_it_belongs(acme):
    for member in acme.members:
        answer = member.get("me")
        assert answer.status_code == 200
        me = answer.json()
        assert me.keys() == WHOLE
        assert me["principal"] == {"kind": "api-key", "id": str(member.key.pk)}
        assert me["organization"] == {"id": str(acme.id), "name": "Acme", "slug": "acme"}
        assert me["role"] == member.role
        assert me["expires_at"].endswith("Z")


@pytest.mark.practice("AUTHZ-10")
def test_permissions_are_what_scopes_and_role_have_in_common(acme):
    me = acme.clerk.get("me").json()
    assert me["scopes"] == sorted(known_permissions())
    assert me["permissions"] == sorted(roles()["clerk"])

    narrow = acme.clerk.with_scopes("customers:read", "members:write").get("me").json()
    assert narrow["scopes"] == ["customers:read", "members:write"]
    assert narrow["permissions"] == ["customers:read"]


@pytest.mark.practice("AUTHZ-08")
def test_a_key_without_any_scope_may_still_ask_who_it_is_and_nothing_else(acme):
    bare = acme.owner.with_scopes()
    assert bare.get("me").json()["permissions"] == []
    assert bare.get("organization").status_code == 200
    for path in ("customers", "members", "invitations", "api-keys", "integrations", "audit-events"):
        refused = bare.get(path)
        assert refused.status_code == 403
        assert refused.json()["code"] == "insufficient-scope"


def test_nobody_is_nobody(db, stranger):
    refused = stranger("GET", "me")
    assert refused.status_code == 401
    assert refused.json()["code"] == "invalid-token"
    assert refused["WWW-Authenticate"].startswith("Bearer ")


def test_me_takes_no_query_and_no_other_method(acme):
    assert acme.owner.get("me?user=1").status_code == 400
    refused = acme.owner.patch("me", {"role": "owner"})
    assert refused.status_code == 405
    assert refused["Allow"] == "GET, HEAD"
