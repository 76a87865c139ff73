"""API keys: shown once, worth no more than their maker, and dead the moment they are deleted."""

from datetime import datetime, timedelta

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.utils import timezone

from apps.integrations.models import ApiKey
from saas.authentication import keys
from saas.crypto import digest
from saas.tenancy.binding import bind
from tests.cast import Member, make_tenant

pytestmark = [pytest.mark.core]

SHOWN = {
    *("id", "name", "prefix", "scopes", "allowed_networks", "honeytoken"),
    *("expires_at", "created_at", "last_used_at"),
}
NOBODY = "00000000-0000-7000-8000-000000000000"
FINISH = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


def make(member, **fields):
    """A key made over HTTP, as the answer and as somebody who calls with it."""
    answer = member.post("api-keys", {"name": "Backup", **fields})
    assert answer.status_code == 201, answer.content
    caller = Member(
        member.organization, member.user, member.role, answer.json()["secret"], member.key
    )
    return answer, caller


def names_of(tenant):
    """The keys that the organization sees, by id."""
    return {row["id"]: row["name"] for row in tenant.owner.get("api-keys").json()["results"]}


@pytest.mark.practice("AUTHN-05")
def test_a_new_key_is_shown_once_and_kept_as_a_digest(acme):
    answer, caller = make(acme.admin, scopes=["customers:read"])
    made = answer.json()
    assert made.keys() == SHOWN | {"secret"}
    assert keys.is_well_formed(made["secret"])
    assert made["secret"].startswith(made["prefix"])
    assert len(made["prefix"]) == len("sr_live_") + keys.PUBLIC_ID
    assert made["last_used_at"] is None
    assert answer["Location"] == f"{settings.SAAS_ORIGIN}/api/v1/api-keys/{made['id']}"
    assert caller.get("customers").status_code == 200
    [event] = acme.owner.get("audit-events?event=api-key.created").json()["results"]
    assert event["object"] == {"type": "apikey", "id": made["id"]}
    assert event["data"] == {"scopes": ["customers:read"]}

    for path in ("api-keys", f"api-keys/{made['id']}", "integrations", "audit-events"):
        assert made["secret"] not in acme.owner.get(path).content.decode()
    read = acme.accountant.get(f"api-keys/{made['id']}").json()
    assert read.keys() == SHOWN
    with bind(acme.id):
        row = ApiKey.objects.get(pk=made["id"])
    assert row.digest == digest(made["secret"])
    assert made["secret"] not in str(vars(row))


@pytest.mark.practice("AUTHZ-08")
def test_a_key_that_asks_for_no_scope_has_none(acme):
    answer, caller = make(acme.owner)
    assert answer.json()["scopes"] == []
    assert caller.get("me").json()["permissions"] == []
    assert caller.get("customers").status_code == 403


@pytest.mark.practice("AUTHN-17")
def test_a_key_always_ends_and_after_ninety_days_at_the_latest(acme):
    now = timezone.now()
    answer, _ = make(acme.owner)
    ends = datetime.fromisoformat(answer.json()["expires_at"])
    assert timedelta(0) <= ends - (now + timedelta(days=90)) < timedelta(minutes=1)

    wanted = (now + timedelta(days=3)).replace(microsecond=0)
    abroad = wanted.astimezone(timezone.get_fixed_timezone(-150))
    answer, _ = make(acme.owner, expires_at=abroad.isoformat())
    assert answer.json()["expires_at"] == f"{wanted:%Y-%m-%dT%H:%M:%SZ}"

    before = names_of(acme)
    for wrong in (now + timedelta(days=90, minutes=1), now - timedelta(seconds=1)):
        body = {"name": "Eternal", "expires_at": wrong.isoformat()}
        refused = acme.owner.post("api-keys", body)
        assert refused.status_code == 400
        assert [e["pointer"] for e in refused.json()["errors"]] == ["/expires_at"]
    assert names_of(acme) == before


@pytest.mark.practice("AUTHN-05")
def test_a_key_opens_until_its_last_moment_and_not_after(acme):
    answer, caller = make(acme.owner, scopes=["customers:read"])
    ends = datetime.fromisoformat(answer.json()["expires_at"])
    with time_machine.travel(ends - timedelta(seconds=2), tick=False):
        assert caller.get("customers").status_code == 200
    with time_machine.travel(ends, tick=False):
        refused = caller.get("customers")
        assert refused.status_code == 401
        assert refused.json()["code"] == "invalid-token"


@pytest.mark.practice("AUTHN-17")
def test_a_key_that_ends_within_two_weeks_says_so_in_every_answer(acme):
    answer, caller = make(acme.owner, scopes=["customers:read"])
    ends = datetime.fromisoformat(answer.json()["expires_at"])
    assert "Credential-Expires" not in caller.get("customers")
    with time_machine.travel(ends - timedelta(days=14), tick=False):
        for path in ("customers", "members", f"customers/{NOBODY}"):  # 200, 403, 404
            assert caller.get(path)["Credential-Expires"] == f"{ends:%a, %d %b %Y %H:%M:%S} GMT"
    with time_machine.travel(ends - timedelta(days=14, seconds=1), tick=False):
        assert "Credential-Expires" not in caller.get("customers")


@pytest.mark.practice("AUTHN-05")
def test_nobody_gives_a_key_more_than_their_own_credential_holds(acme):
    before = names_of(acme)
    narrow = acme.owner.with_scopes("api-keys:write", "customers:read")
    after_narrow = before | {str(narrow.key.pk): "test"}
    for member, scopes in (
        (acme.admin, ["organization:write"]),  # an owner's right
        (acme.admin, ["customers:read", "organization:write"]),
        (narrow, ["customers:read", "members:write"]),  # a right of the person, not of the key
    ):
        refused = member.post("api-keys", {"name": "Ladder", "scopes": scopes})
        assert refused.status_code == 403
        assert refused.json()["code"] == "permission-denied"
    assert names_of(acme) == after_narrow
    refusals = acme.owner.get("audit-events?event=request.refused").json()["results"]
    assert {entry["data"]["operation"] for entry in refusals} == {"api-keys.create"}


def test_a_key_is_worth_no_more_than_its_maker_is_today(acme):
    _, caller = make(acme.admin, scopes=["members:read", "customers:read"])
    assert caller.get("members").status_code == 200
    members = acme.owner.get("members").json()["results"]
    [admin] = [row["id"] for row in members if row["role"] == "admin"]
    acme.owner.patch(f"members/{admin}", {"role": "viewer"})
    assert caller.get("members").status_code == 403
    assert caller.get("customers").status_code == 200


@pytest.mark.practice("AUTHZ-05")
def test_who_may_not_make_keys_makes_and_ends_none(acme):
    before = names_of(acme)
    path = f"api-keys/{acme.viewer.key.pk}"
    for member in (acme.accountant, acme.clerk, acme.viewer):
        assert member.post("api-keys", {"name": "Mine"}).status_code == 403
        assert member.delete(path).status_code == 403
        assert member.post(f"{path}/rotation").status_code == 403
    for member in (acme.clerk, acme.viewer):
        assert member.get("api-keys").status_code == 403
        assert member.get(path).status_code == 403
    assert names_of(acme) == before


@pytest.mark.practice("AUTHN-16")
def test_a_deleted_key_opens_nothing_and_shows_nowhere_but_in_the_trail(acme):
    answer, caller = make(acme.owner, scopes=["customers:read"])
    path = f"api-keys/{answer.json()['id']}"
    assert caller.get("customers").status_code == 200
    assert acme.admin.delete(path).status_code == 204
    assert caller.get("customers").status_code == 401
    assert acme.admin.get(path).status_code == 404
    assert acme.admin.delete(path).status_code == 404
    assert answer.json()["id"] not in names_of(acme)
    [event] = acme.owner.get("audit-events?event=api-key.revoked").json()["results"]
    assert event["object"] == {"type": "apikey", "id": answer.json()["id"]}
    assert event["data"] == {"why": "asked"}


def test_another_tenants_key_is_the_same_404_as_one_that_never_was(acme, globex):
    for method, rest in (("GET", ""), ("DELETE", ""), ("POST", "/rotation")):
        theirs = acme.owner.call(method, f"api-keys/{globex.owner.key.pk}{rest}")
        nobodys = acme.owner.call(method, f"api-keys/{NOBODY}{rest}")
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.json() | {"instance": ""} == nobodys.json() | {"instance": ""}
    assert globex.owner.get("customers").status_code == 200


@pytest.mark.practice("INPUT-01")
@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/name", "required"),
        ({"name": " "}, "/name", "blank"),
        ({"name": "x" * 101}, "/name", "max-length"),
        ({"name": "x", "scopes": "customers:read"}, "/scopes", "not-a-list"),
        ({"name": "x", "scopes": ["root"]}, "/scopes/0", "invalid-choice"),
        ({"name": "x", "scopes": ["customers:read", 7]}, "/scopes/1", "invalid-choice"),
        ({"name": "x", "scopes": ["any"]}, "/scopes/0", "invalid-choice"),
        ({"name": "x", "scopes": None}, "/scopes", "null"),
        ({"name": "x", "scopes": ["customers:read"] * 99}, "/scopes", "max-length"),
        ({"name": "x", "expires_at": "2030-01-01"}, "/expires_at", "invalid"),
        ({"name": "x", "expires_at": "2030-01-01T00:00:00"}, "/expires_at", "invalid"),
        ({"name": "x", "expires_at": "2030-01-01 00:00:00Z"}, "/expires_at", "invalid"),
        ({"name": "x", "expires_at": "2030-01-01t00:00:00z"}, "/expires_at", "invalid"),
        ({"name": "x", "expires_at": "2030-01-01T00:00:00+05:75"}, "/expires_at", "invalid"),
        ({"name": "x", "expires_at": "2030-01-01T00:00:00+24:00"}, "/expires_at", "invalid"),
        ({"name": "x", "expires_at": "٢٠٣٠-01-01T00:00:00Z"}, "/expires_at", "invalid"),
        ({"name": "x", "expires_at": 1893456000}, "/expires_at", "invalid"),
        ({"name": "x", "expires_at": "2030-02-31T00:00:00Z"}, "/expires_at", "invalid"),
        ({"name": "x", "expires_at": "9999-12-31T23:59:59-14:00"}, "/expires_at", "range"),
        ({"name": "x", "secret": "sr_live_mine"}, "/secret", "unexpected-field"),
        ({"name": "x", "creator": NOBODY}, "/creator", "unexpected-field"),
        ({"name": "x", "digest": "0" * 64}, "/digest", "unexpected-field"),
    ],
)
def test_what_is_no_key_makes_none(acme, body, pointer, code):
    before = names_of(acme)
    refused = acme.owner.post("api-keys", body)
    assert refused.status_code == 400
    assert [(e["pointer"], e["code"]) for e in refused.json()["errors"]] == [(pointer, code)]
    assert names_of(acme) == before


@pytest.mark.practice("AUTHN-05")
@pytest.mark.usefixtures("committed")
def test_a_wrong_checksum_is_refused_without_a_query():
    acme = make_tenant("Acme")
    secret = acme.owner.secret
    last = "0" if secret[-1] != "0" else "1"
    for wrong in (secret[:-1] + last, secret[:-1], f"{secret}0", secret.lower(), "", "x" * 5000):
        caller = Member(acme, acme.owner.user, "owner", wrong, acme.owner.key)
        asked: list[str] = []

        def note(execute, sql, params, many, context, asked=asked):
            asked.append(sql)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(note):
            refused = caller.get("customers")
        assert refused.status_code == 401
        assert refused.json()["code"] == "invalid-token"
        assert [sql for sql in asked if not sql.startswith(FINISH)] == []


def test_the_use_of_a_key_is_noted_at_most_once_a_minute(acme):
    answer, caller = make(acme.owner, scopes=["customers:read"])
    path = f"api-keys/{answer.json()['id']}"
    start = timezone.now() + timedelta(hours=1)

    def used_at():
        return acme.owner.get(path).json()["last_used_at"]

    with time_machine.travel(start, tick=False) as clock:
        assert caller.get("members").status_code == 403
        assert used_at() is None  # a refusal opened nothing
        assert caller.get("customers").status_code == 200
        first = used_at()
        assert datetime.fromisoformat(first) == start
        clock.shift(59)
        caller.get("customers")
        assert used_at() == first
        clock.shift(2)
        caller.get("customers")
        assert datetime.fromisoformat(used_at()) == start + timedelta(seconds=61)


@pytest.mark.practice("RATE-02")
def test_what_changes_credentials_is_counted_as_sensitive(acme):
    key = f"api-keys/{acme.viewer.key.pk}"
    for answer in (
        acme.owner.post("api-keys", {"name": "Backup"}),
        acme.owner.post(f"{key}/rotation"),
        acme.owner.delete(key),
        acme.owner.post("invitations", {"email": "new@initech.example"}),
        acme.owner.patch(f"members/{NOBODY}", {"role": "viewer"}),
        acme.owner.delete(f"integrations/{NOBODY}"),
    ):
        assert '"sensitive";' in answer["RateLimit-Policy"]
    assert '"read";' in acme.owner.get("api-keys")["RateLimit-Policy"]
