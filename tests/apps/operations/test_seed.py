"""The demo: what it holds, what a second load keeps, and where it is refused."""

import json
import os
import subprocess
import sys
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from apps.accounts.models import User
from apps.invoices.queries import invoices_in_brief
from apps.operations import health
from apps.organizations import queries as organizations
from apps.organizations.models import ROLES
from config import roles
from saas.audit.chain import first_fault
from saas.persistence import guards
from saas.tenancy.across_tenants import each_tenant_across_tenants, tenant_ids_across_tenants
from saas.tenancy.binding import bind
from tests.cast import call
from tests.deployment import throwaway
from tests.oauth import bearer, post

pytestmark = pytest.mark.core


@pytest.fixture(autouse=True)
def development(settings):
    settings.SAAS_DEMO = True


def seeded(*options: str) -> dict:
    """What `seed_demo --json` prints, as Python sees it."""
    out = StringIO()
    call_command("seed_demo", "--json", *options, stdout=out)
    return json.loads(out.getvalue())


def without_secrets(loaded: dict) -> list:
    """Everything that a second load keeps."""
    kept = ("id", "name", "slug", "customers", "invoices")
    return [
        {name: organization[name] for name in kept}
        | {"clients": [c | {"client_secret": None} for c in organization["oauth_clients"]]}
        | {"members": [(m["id"], m["email"], m["role"]) for m in organization["members"]]}
        for organization in loaded["organizations"]
    ]


def secrets_of(loaded: dict) -> list[str]:
    """Everything that opens something."""
    found = [loaded["stranger"]["password"]]
    for organization in loaded["organizations"]:
        found += [member["password"] for member in organization["members"]]
        found += [member["totp_secret"] for member in organization["members"]]
        found += [key["secret"] for key in organization["api_keys"]]
        found += [organization["oauth_clients"][0]["client_secret"]]
    return found


def plain(loaded: dict) -> list:
    """The organizations of which no module asks more than a credential."""
    return loaded["organizations"][:2]


def get(path: str, secret: str):
    return call(Client(), "GET", path, **{"X-API-Key": secret})


def test_the_json_has_exactly_the_agreed_shape(db, settings):
    loaded = seeded()
    assert loaded.keys() == {"base_url", "organizations", "stranger"}
    assert loaded["base_url"] == settings.SAAS_ORIGIN
    assert loaded["stranger"].keys() == {"email", "password"}
    slugs = [organization["slug"] for organization in loaded["organizations"]]
    assert slugs == ["acme", "globex", "initech"]
    shape = {
        "id", "name", "slug", "members", "api_keys", "oauth_clients", "customers", "invoices"
    }  # fmt: skip
    assert all(organization.keys() == shape for organization in plain(loaded))
    for organization in loaded["organizations"]:
        assert organization.keys() >= shape
        assert [member["role"] for member in organization["members"]] == list(ROLES)
        for member in organization["members"]:
            assert member.keys() == {"id", "email", "password", "role", "totp_secret"}
            assert member["email"] == f"{member['role']}@{organization['slug']}.example"
        assert [key["name"] for key in organization["api_keys"]] == ["full", "read-only"]
        assert all(
            key.keys() == {"id", "name", "secret", "scopes"} for key in organization["api_keys"]
        )
        backoffice, mobile = organization["oauth_clients"]
        assert backoffice.keys() == {
            "name", "type", "grant", "client_id", "client_secret", "scopes"
        }  # fmt: skip
        assert mobile.keys() == {"name", "type", "grant", "client_id", "redirect_uris"}
        assert backoffice["name"] == "backoffice"
        assert mobile["redirect_uris"] == ["http://127.0.0.1:8765/callback"]
        assert organization["customers"]
        assert organization["invoices"]


def test_the_ids_and_scopes_are_those_that_the_api_shows(db):
    for organization in plain(seeded()):
        full, read_only = organization["api_keys"]
        assert set(full["scopes"]) == roles.OWNER
        assert read_only["scopes"] == ["customers:read", "invoices:read"]
        shown = {
            "members": {member["id"] for member in organization["members"]},
            "customers": set(organization["customers"]),
            "invoices": set(organization["invoices"]),
            "api-keys": {full["id"], read_only["id"]},
        }
        for path, ids in shown.items():
            rows = get(path, full["secret"]).json()["results"]
            assert {row["id"] for row in rows} == ids, path
        assert get("organization", full["secret"]).json()["id"] == organization["id"]
        assert get("customers", read_only["secret"]).status_code == 200
        assert get("members", read_only["secret"]).status_code == 403


def test_the_backoffice_gets_a_token_that_opens_its_own_organization(db):
    for organization in plain(seeded()):
        client = organization["oauth_clients"][0]
        asked = " ".join(client["scopes"])
        form = {"grant_type": "client_credentials", "scope": asked} | {
            name: client[name] for name in ("client_id", "client_secret")
        }
        answer = post("/oauth/token", form)
        assert answer.status_code == 200, answer.content
        token = answer.json()["access_token"]
        me = call(Client(), "GET", "me", **bearer(token)).json()
        assert me["organization"]["id"] == organization["id"]
        assert set(me["permissions"]) == set(client["scopes"]) - {"introspection"}
        assert post("/oauth/introspect", form | {"token": token}).json()["active"] is True


def test_everybody_can_prove_who_they_are(db):
    loaded = seeded()
    people = [member for each in loaded["organizations"] for member in each["members"]]
    for person in [*people, loaded["stranger"]]:
        assert User.objects.get(email=person["email"]).check_password(person["password"])


def test_the_stranger_belongs_to_nobody(db):
    mallory = User.objects.get(email=seeded()["stranger"]["email"])
    for _tenant in each_tenant_across_tenants():
        assert not organizations.members().filter(user=mallory).exists()


def test_a_second_load_keeps_every_id_and_makes_every_secret_new(db):
    first, second = seeded(), seeded()
    assert without_secrets(first) == without_secrets(second)
    assert not set(secrets_of(first)) & set(secrets_of(second))
    assert len(set(secrets_of(first))) == len(secrets_of(first))
    for before, after in zip(plain(first), plain(second), strict=True):
        for old, new in zip(before["api_keys"], after["api_keys"], strict=True):
            assert get("me", old["secret"]).status_code == 401
            assert get("me", new["secret"]).status_code == 200
    assert not User.objects.get(email=first["stranger"]["email"]).check_password(
        first["stranger"]["password"]
    )


def test_a_second_load_undoes_what_was_tried_on_the_people(db):
    acme = seeded()["organizations"][0]
    ids = {member["role"]: member["id"] for member in acme["members"]}
    with bind(UUID(acme["id"])):
        members = organizations.members()
        members.filter(pk=ids["owner"]).update(role="viewer")
        members.get(pk=ids["viewer"]).delete()
    User.objects.filter(email="clerk@acme.example").update(is_active=False)
    again = seeded()["organizations"][0]
    assert [member["role"] for member in again["members"]] == list(ROLES)
    assert set(again["api_keys"][0]["scopes"]) == roles.OWNER
    rows = get("members", again["api_keys"][0]["secret"]).json()["results"]
    assert sorted(row["role"] for row in rows) == sorted(ROLES)
    assert User.objects.get(email="clerk@acme.example").is_active


def test_drafts_are_made_by_different_people(db):
    acme = seeded()["organizations"][0]
    with bind(UUID(acme["id"])):
        drafters = set(invoices_in_brief().values_list("drafted_by_id", flat=True))
        people = organizations.members().filter(user_id__in=drafters)
        assert {member.role for member in people} == {"clerk", "accountant", "admin"}


def test_the_trail_of_the_demo_is_whole(db):
    seeded()
    seeded()
    assert [first_fault() for _tenant in each_tenant_across_tenants()] == [None, None, None]


def test_without_json_it_speaks_to_a_person(db):
    out = StringIO()
    call_command("seed_demo", stdout=out)
    for word in (
        "Acme",
        "Globex",
        "Initech",
        "owner@acme.example",
        "sr_live_",
        "mallory@nowhere.example",
    ):
        assert word in out.getvalue()


def test_settings_that_do_not_allow_it_refuse_and_nothing_is_loaded(db, settings):
    settings.SAAS_DEMO = False
    for options in ([], ["--reset"]):
        with pytest.raises(CommandError, match="for development"):
            call_command("seed_demo", *options)
    assert not User.objects.exists()


def test_production_refuses():
    ended = subprocess.run(
        [sys.executable, "manage.py", "seed_demo", "--json", "--reset"],
        env=os.environ | throwaway(),
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    assert "config.settings.production does not allow it" in ended.stderr
    assert ended.stdout == ""


def test_a_database_that_is_not_migrated_is_named(db, monkeypatch):
    ahead = health.migrations_of_this_code() | {("customers", "9999_not_applied")}
    monkeypatch.setattr(health, "migrations_of_this_code", lambda: ahead)
    with pytest.raises(CommandError, match=r"manage\.py migrate"):
        seeded()


def test_reset_leaves_the_demo_alone_in_a_guarded_database(committed):
    before = seeded()
    User.objects.create_user("somebody@elsewhere.example")
    after = seeded("--reset")
    assert not User.objects.filter(email="somebody@elsewhere.example").exists()
    ids = {organization["id"] for organization in after["organizations"]}
    assert {str(id) for id in tenant_ids_across_tenants()} == ids
    assert not ids & {organization["id"] for organization in before["organizations"]}
    assert guards.missing(connection) == []
