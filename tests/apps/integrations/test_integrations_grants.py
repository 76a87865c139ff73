"""What people allowed clients stands beside the keys: whose, what for, used when; and ends at once."""

import pytest
from django.test import Client

from saas.audit.models import AuditEntry
from saas.tenancy.binding import bind
from tests.apps.integrations.test_integrations import WHOLE
from tests.cast import call
from tests.oauth import bearer, make_client, refresh, tokens_for

pytestmark = [pytest.mark.core]

READ = "customers:read"


def status(token):
    """What a call with this token is answered."""
    return call(Client(), "GET", "customers", **bearer(token)).status_code


@pytest.fixture
def app(acme):
    """A public client of Acme."""
    return make_client(acme, READ, "invoices:read")


def grants_of(member, query=""):
    """The grants that a member sees."""
    rows = member.get(f"integrations{query}").json()["results"]
    return [row for row in rows if row["kind"] == "oauth-grant"]


@pytest.mark.practice("AUTHN-16")
def test_a_grant_is_listed_with_its_client_scopes_approver_and_last_use(acme, globex, app):
    pair = tokens_for(acme.clerk, READ, client=app)
    tokens_for(globex.clerk, READ, client=app)
    [row] = grants_of(acme.accountant)
    assert row.keys() == WHOLE
    assert (row["name"], row["scopes"], row["last_used_at"]) == ("an app", [READ], None)
    assert row["created_by"] == row["approved_by"] == str(acme.clerk.user.pk)
    assert acme.owner.get(f"integrations/{row['id']}").json() == row
    assert status(pair["access_token"]) == 200
    refresh(app, pair["refresh_token"])  # the token that was used is gone now
    [used] = grants_of(acme.owner)
    assert used["last_used_at"] is not None
    assert used["expires_at"] == row["expires_at"]  # however often it is refreshed


def test_keys_and_grants_are_sorted_together_over_pages_of_any_size(acme, app):
    for number, member in enumerate(acme.members):
        app.name = f"app {number}"
        app.save()
        tokens_for(member, READ, client=app)
        app = make_client(acme, READ)
    for ordering in ("", "created_at", "-created_at", "name", "-name"):
        query = f"&ordering={ordering}" if ordering else ""
        whole = acme.owner.get(f"integrations?page_size=100{query}").json()["results"]
        assert len(whole) == 10
        for size in (1, 3, 4):
            seen, url = [], f"integrations?page_size={size}{query}"
            while url:
                page = acme.owner.get(url).json()
                seen.append(page)
                url = page["next"]
            ids = [row["id"] for page in seen for row in page["results"]]
            assert ids == [row["id"] for row in whole]
            back = acme.owner.get(seen[1]["previous"]).json()["results"]
            assert [row["id"] for row in back] == ids[:size]
    names = [row["name"] for row in acme.owner.get("integrations?ordering=name").json()["results"]]
    assert names == sorted(names)


@pytest.mark.practice("AUTHN-16")
def test_a_revoked_grant_opens_nothing_from_the_next_request_on(acme, app):
    pair = tokens_for(acme.clerk, READ, client=app)
    other = tokens_for(acme.viewer, READ, client=app)
    [row] = [row for row in grants_of(acme.admin) if row["approved_by"] == str(acme.clerk.user.pk)]
    assert acme.admin.delete(f"integrations/{row['id']}").status_code == 204
    assert status(pair["access_token"]) == 401
    assert refresh(app, pair["refresh_token"]).status_code == 400
    assert status(other["access_token"]) == 200
    assert acme.admin.get(f"integrations/{row['id']}").status_code == 404
    assert acme.admin.delete(f"integrations/{row['id']}").status_code == 404
    with bind(acme.id):
        entry = AuditEntry.objects.get(event="oauth-grant.revoked")
    assert entry.user_id == acme.admin.user.pk
    assert entry.data == {"user": str(acme.clerk.user.pk)}


@pytest.mark.practice("AUTHN-16")
@pytest.mark.practice("AUTHZ-05")
def test_a_grant_asks_for_another_permission_than_a_key(acme, app):
    pair = tokens_for(acme.clerk, READ, client=app)
    [grant] = grants_of(acme.owner)
    key = str(acme.viewer.key.pk)
    keys, security = (
        acme.owner.with_scopes("api-keys:write"),
        acme.owner.with_scopes("security:write"),
    )
    for caller, id, scope in (
        (keys, grant["id"], "security:write"),
        (security, key, "api-keys:write"),
    ):
        refused = caller.delete(f"integrations/{id}")
        assert (refused.status_code, refused.json()["code"]) == (403, "insufficient-scope")
        assert f'scope="{scope}"' in refused["WWW-Authenticate"]
    for member in (acme.accountant, acme.clerk, acme.viewer):
        assert member.delete(f"integrations/{grant['id']}").status_code == 403
    assert status(pair["access_token"]) == 200
    assert security.delete(f"integrations/{grant['id']}").status_code == 204
    assert keys.delete(f"integrations/{key}").status_code == 204
    assert status(pair["access_token"]) == 401


@pytest.mark.practice("AUTHN-16")
def test_another_tenants_grant_is_the_same_404_as_one_that_never_was(acme, globex, app):
    pair = tokens_for(globex.clerk, READ, client=app)
    [theirs] = grants_of(globex.owner)
    for method in ("GET", "DELETE"):
        assert acme.owner.call(method, f"integrations/{theirs['id']}").status_code == 404
    assert status(pair["access_token"]) == 200
