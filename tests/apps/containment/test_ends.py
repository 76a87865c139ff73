"""What is ended opens nothing from the next request on, and says that it does not come back."""

import io

import pytest
from django.core.management import CommandError

from apps.integrations.models import OAuthApplication
from saas.audit.models import AuditEntry
from saas.tenancy.binding import bind
from tests.cast import make_key
from tests.oauth import bearer, make_client, make_service, refresh, service_token, tokens_for
from tests.pages import is_in, signed_in

pytestmark = [pytest.mark.core, pytest.mark.django_db, pytest.mark.practice("OPS-18")]

READ = "customers:read"


def opens(tenant, headers):
    """How a credential is answered."""
    client = tenant.owner.client
    return client.get("/api/v1/customers", secure=True, headers=headers).status_code


def acts(tenant):
    """What the trail says was ended."""
    with bind(tenant.id):
        entries = AuditEntry.objects.filter(event="containment.acted").order_by("seq")
        return [entry.data["kind"] for entry in entries]


@pytest.mark.parametrize("how", ["id", "public id", "secret", "with its organization"])
def test_a_key_is_found_however_it_is_named(acme, globex, contain, monkeypatch, how):
    key, secret = make_key(acme.id, acme.clerk.user, [READ])
    words = [str(key.pk)]
    if how == "public id":
        words = [key.public_id]
    if how == "secret":
        words = ["-"]
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{secret}\n"))
    if how == "with its organization":
        words += ["--organization", "acme"]
    assert opens(acme, {"X-API-Key": secret}) == 200
    assert "cannot be taken back" in contain("revoke-key", *words)
    assert opens(acme, {"X-API-Key": secret}) == 401
    assert acts(acme) == ["revoke-key"]
    assert acts(globex) == []
    assert contain("revoke-key", str(key.pk)) == "It was revoked before."
    assert acts(acme) == ["revoke-key"]


def test_a_rogue_app_loses_every_token_in_every_organization_and_gets_no_other(
    acme, globex, contain
):
    app = make_client(acme, READ)
    pairs = [tokens_for(tenant.clerk, READ, client=app) for tenant in (acme, globex)]
    other = tokens_for(globex.clerk, READ, client=make_client(globex, READ))
    contain("revoke-app", app.client_id)
    contain("revoke-app", app.client_id)  # and again
    for pair in pairs:
        assert opens(acme, bearer(pair["access_token"])) == 401
        assert refresh(app, pair["refresh_token"]).status_code == 400
    assert opens(acme, bearer(other["access_token"])) == 200
    assert acts(acme) == acts(globex) == ["revoke-app"]
    assert OAuthApplication.objects.get(pk=app.pk).allowed_scopes == []
    contain("lift", "revoke-app", app.client_id)
    assert opens(acme, bearer(pairs[0]["access_token"])) == 401
    fresh = tokens_for(acme.clerk, READ, client=OAuthApplication.objects.get(pk=app.pk))
    assert opens(acme, bearer(fresh["access_token"])) == 200


def test_a_rogue_service_cannot_mint_itself_another_token(acme, contain):
    service = make_service(acme, READ)
    acting = service_token(service, READ).json()["access_token"]
    contain("revoke-app", service.client_id)
    assert opens(acme, bearer(acting)) == 401
    assert service_token(service, READ).status_code == 400


def test_a_member_goes_with_all_that_they_held_but_not_the_last_owner(acme, contain):
    pair = tokens_for(acme.admin, READ)
    contain("revoke-member", "acme", acme.admin.user.email)
    assert acme.admin.get("me").status_code == 401
    assert opens(acme, bearer(pair["access_token"])) == 401
    assert contain("revoke-member", "acme", acme.admin.user.email) == "They are no member."
    with pytest.raises(CommandError):
        contain("revoke-member", "acme", acme.owner.user.email)
    assert acme.owner.get("me").status_code == 200
    assert acts(acme) == ["revoke-member"]


def test_every_credential_of_an_organization_ends_and_nobody_elses(acme, globex, contain):
    pair = tokens_for(acme.clerk, READ)
    acting = service_token(make_service(acme, READ), READ).json()["access_token"]
    said = contain("revoke-org-tokens", "acme")
    assert not said.startswith("0 ")
    assert {member.get("me").status_code for member in acme.members} == {401}
    assert opens(acme, bearer(pair["access_token"])) == opens(acme, bearer(acting)) == 401
    assert globex.owner.get("me").status_code == 200
    assert contain("revoke-org-tokens", "acme").startswith("0 ended")
    assert acts(acme) == ["revoke-org-tokens"]


def test_everybody_signs_in_again_and_keys_go_on(acme, globex, contain):
    browser, theirs = signed_in(acme.viewer.user), signed_in(globex.viewer.user)
    pair = tokens_for(acme.clerk, READ)
    contain("force-reauth", "--organization", "acme")
    assert not is_in(browser)
    assert is_in(theirs)
    assert opens(acme, bearer(pair["access_token"])) == 401
    assert acme.admin.get("me").status_code == 200


def test_one_person_signs_in_again_and_nobody_else(acme, contain):
    browser, colleague = signed_in(acme.viewer.user), signed_in(acme.clerk.user)
    pair = tokens_for(acme.viewer, READ)
    contain("force-reauth", "--person", acme.viewer.user.email)
    assert (is_in(browser), is_in(colleague)) == (False, True)
    assert opens(acme, bearer(pair["access_token"])) == 401
    assert acts(acme) == ["force-reauth"]
