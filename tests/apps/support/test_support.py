"""Staff of the house see an organization by a grant of its owner, and leave a trace of each look."""

from datetime import timedelta
from io import StringIO
from threading import Event
from unittest.mock import patch
from uuid import uuid4

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from apps.organizations.models import Membership
from apps.support import services
from apps.support.access import READ_SCOPES
from saas.authentication.keys import is_well_formed
from saas.tenancy.binding import bind
from tests.attacks.surface import WRITES, aim
from tests.cast import call, make_tenant
from tests.matrix.samples import SUPPORT, customer, made
from tests.operators import hired, run, signed, wanted
from tests.races import at_once
from tests.saas.wire import on_postgresql

pytestmark = [pytest.mark.core, pytest.mark.practice("DATA-10")]

BY = "Ada of the house"


class Staff:
    """Somebody of the house with the key that the command printed."""

    def __init__(self, secret):
        self.secret, self.client = secret, Client(raise_request_exception=False)

    def call(self, method, path, body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return call(self.client, method, path, body, **{"X-API-Key": self.secret, **headers})

    def get(self, path):
        return self.call("GET", path)


def granted(tenant, **other):
    return made(tenant.owner.post("support-grants", SUPPORT | other))


def command(grant, by=BY, **options):
    """What the command prints."""
    out = StringIO()
    call_command("support_access", grant=str(grant), by=by, stdout=out, **options)
    return out.getvalue().strip()


def taken_up(tenant, **other):
    grant = granted(tenant, **other)
    return grant, Staff(command(grant))


def shown(tenant, grant):
    return tenant.owner.get(f"support-grants/{grant}").json()


def events(tenant, event):
    return tenant.owner.get(f"audit-events?event=support.{event}").json()["results"]


def test_what_staff_looks_at_stands_in_the_organizations_own_trail(acme, globex):
    theirs, other = customer(acme), customer(globex)
    grant, staff = taken_up(acme)
    assert is_well_formed(staff.secret)
    assert [row["id"] for row in staff.get("customers").json()["results"]] == [theirs]
    assert staff.get(f"customers/{theirs}").status_code == 200
    assert staff.get(f"customers/{other}").status_code == 404
    newest, first = events(acme, "viewed")
    assert newest["data"]["staff"] == first["data"]["staff"] == BY
    assert first["data"]["operation"] == "customers.list"
    assert newest["data"]["operation"] == "customers.retrieve"
    assert newest["data"]["objects"] == first["data"]["objects"] == [theirs]
    assert newest["object"]["id"] == grant
    now = shown(acme, grant)
    assert (now["views"], now["staff"]) == (2, BY)
    assert now["last_used_at"]
    assert events(globex, "viewed") == []
    assert not globex.owner.get("support-grants").json()["results"]


def test_a_look_that_cannot_be_written_down_shows_nothing(acme):
    theirs = customer(acme)
    _, staff = taken_up(acme)
    with patch("saas.audit.chain.append", side_effect=RuntimeError):
        answer = staff.get(f"customers/{theirs}")
    assert answer.status_code == 500
    assert "Initech" not in answer.content.decode()


def test_what_the_owner_did_not_name_stays_shut(acme):
    body = {"name": "Initech", "country": "DE", "email": "ada@initech.example"}
    theirs = made(acme.owner.post("customers", body))
    _, staff = taken_up(acme)
    assert "email" not in staff.get(f"customers/{theirs}").json()
    assert staff.get("invoices").status_code == 403
    assert staff.get("members").status_code == 403
    _, other = taken_up(acme, scopes=["customers:read", "customers:read-contact"])
    assert other.get(f"customers/{theirs}").json()["email"] == "ada@initech.example"


def test_whatever_may_be_granted_staff_changes_nothing(acme):
    _, staff = taken_up(acme, scopes=READ_SCOPES)
    opened = {str(one) for one in WRITES if aim(one, acme).by(staff).status_code != 403}
    assert opened == {
        "POST customers/{id}/bank-account-disclosure"
    }  # which tells, and changes nothing


@pytest.mark.parametrize(
    "other",
    [
        {"scopes": ["customers:read", "customers:write"]},
        {"scopes": ["organization:write"]},
        {"scopes": []},
        {"hours": 25},
        {"hours": 0},
        {"reason": ""},
    ],
    ids=str,
)
def test_a_grant_is_for_reading_for_hours_and_for_a_reason(acme, other):
    assert acme.owner.post("support-grants", SUPPORT | other).status_code == 400
    assert acme.owner.get("support-grants").json()["results"] == []


def test_only_an_owner_lets_staff_in_and_no_further_than_they_see_themselves(acme):
    for member in acme.members[1:]:
        assert member.post("support-grants", SUPPORT).status_code == 403
    narrow = acme.owner.with_scopes("organization:write")
    assert narrow.post("support-grants", SUPPORT).status_code == 403
    assert acme.clerk.get("support-grants").status_code == 403
    grant, staff = taken_up(acme)
    assert acme.accountant.get(f"support-grants/{grant}").status_code == 200
    assert acme.accountant.delete(f"support-grants/{grant}").status_code == 403
    assert acme.admin.delete(f"support-grants/{grant}").status_code == 204
    assert staff.get("customers").status_code == 401
    wide = acme.owner.with_scopes("organization:write", "customers:read")
    other = made(wide.post("support-grants", SUPPORT))
    assert wide.delete(f"support-grants/{other}").status_code == 204


def test_once_it_is_revoked_the_next_look_is_401(acme):
    grant, staff = taken_up(acme)
    assert staff.get("customers").status_code == 200
    assert acme.owner.delete(f"support-grants/{grant}").status_code == 204
    assert staff.get("customers").status_code == 401
    assert staff.get("invoices").status_code == 401  # which it never could: not even that is told
    assert acme.owner.delete(f"support-grants/{grant}").status_code == 404
    assert shown(acme, grant)["revoked_at"]
    assert [entry["data"]["views"] for entry in events(acme, "revoked")] == [1]
    with pytest.raises(CommandError):
        command(grant)


def test_once_its_hours_are_over_it_is_401_and_owners_and_admins_are_told(acme, delivered):
    grant, staff = taken_up(acme, hours=1)
    with time_machine.travel(timezone.now() + timedelta(minutes=59)):
        assert staff.get("customers").status_code == 200
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        assert staff.get("customers").status_code == 401
        assert acme.owner.delete(f"support-grants/{grant}").status_code == 404
        with pytest.raises(CommandError):
            command(grant)
        for who in (acme.owner, acme.admin):
            told = [letter.subject for letter in delivered(who.user.email)]
            assert told == [
                "Support access was granted",
                f"Support access was taken up by {BY}",
                "Support access has ended",
            ]
        assert delivered(acme.clerk.user.email) == []
        assert len(events(acme, "expired")) == 1


def test_without_a_living_grant_nobody_is_let_in(acme, stranger):
    grant = granted(acme)
    for nobody in (uuid4(), customer(acme)):
        with pytest.raises(CommandError, match="Nobody lets you in"):
            command(nobody)
    for nameless in ("", " ", "a" * 81, "a\nb"):
        with pytest.raises(CommandError):
            command(grant, nameless)
    with pytest.raises(CommandError):
        command(grant, organization="globex")
    assert command(grant, organization="acme")
    with pytest.raises(CommandError):  # a second time
        command(grant)
    assert stranger("GET", f"support-grants/{grant}").status_code == 401


def test_it_lasts_no_longer_than_the_owner_is_one(acme):
    early, (_, staff) = granted(acme), taken_up(acme, scopes=["members:read", "customers:read"])
    assert staff.get("members").status_code == 200
    with bind(acme.id):
        Membership.objects.filter(user=acme.owner.user).update(role="viewer")
    assert staff.get("members").status_code == 403
    with pytest.raises(CommandError):  # who is none any more lets nobody in
        command(early)


def test_when_the_owner_leaves_what_they_granted_ends(acme):
    _, staff = taken_up(acme)
    grant = granted(acme)
    with bind(acme.id):
        membership = Membership.objects.get(user=acme.owner.user)
        Membership.objects.filter(user=acme.admin.user).update(role="owner")
    assert acme.admin.delete(f"members/{membership.pk}").status_code == 204
    assert staff.get("customers").status_code == 401
    rows = acme.admin.get("support-grants").json()["results"]
    assert len(rows) == 2
    assert all(row["revoked_at"] for row in rows)
    with pytest.raises(CommandError):
        command(grant)


def test_the_key_is_listed_and_can_be_ended_like_any_other(acme):
    grant, staff = taken_up(acme)
    for path in ("api-keys", "integrations"):
        [key] = [
            row for row in acme.admin.get(path).json()["results"] if row["name"] == f"support: {BY}"
        ]
        assert (key["scopes"], key["expires_at"]) == (
            SUPPORT["scopes"],
            shown(acme, grant)["expires_at"],
        )
    assert acme.admin.delete(f"api-keys/{key['id']}").status_code == 204
    assert staff.get("customers").status_code == 401
    with pytest.raises(CommandError):
        command(grant)
    assert acme.admin.delete(f"support-grants/{grant}").status_code == 204


def test_a_key_of_their_own_with_such_a_name_is_nobodys_look(acme):
    body = {"name": "support: our helpdesk", "scopes": ["customers:read"]}
    secret = acme.owner.post("api-keys", body).json()["secret"]
    assert Staff(secret).get("customers").status_code == 200
    assert events(acme, "viewed") == []


@on_postgresql
def test_a_look_that_is_on_its_way_when_the_grant_ends_shows_nothing(committed):
    acme = make_tenant("Acme")
    grant, staff = taken_up(acme)
    looking, ended, note = Event(), Event(), services.queries.locked_for

    def waits(key_id):
        looking.set()
        assert ended.wait(10)
        return note(key_id)

    def ends():
        assert looking.wait(10)
        try:
            return acme.owner.delete(f"support-grants/{grant}")
        finally:
            ended.set()

    assert staff.get("customers").status_code == 200  # notes the use of the key, so holds no lock
    with patch.object(services.queries, "locked_for", waits):
        answers = at_once(lambda: staff.get("customers"), ends)
    assert [answer.status_code for answer in answers] == [401, 204]
    assert shown(acme, grant)["views"] == len(events(acme, "viewed")) == 1


@on_postgresql
def test_many_looks_and_an_end_at_once_leave_as_many_entries_as_answers(committed):
    acme = make_tenant("Acme")
    grant, staff = taken_up(acme)
    *looks, end = at_once(
        *[lambda: Staff(staff.secret).get("customers").status_code] * 4,
        lambda: acme.owner.delete(f"support-grants/{grant}").status_code,
    )
    assert end == 204
    assert set(looks) <= {200, 401}
    assert staff.get("customers").status_code == 401
    assert shown(acme, grant)["views"] == len(events(acme, "viewed")) == looks.count(200)


def test_whoever_takes_it_up_signs_with_their_own_key(acme, settings, tmp_path):
    """Where operators have keys, as in production, a name is not enough."""
    grant, files = granted(acme), hired(settings, tmp_path, "ada", "bob")
    command_line = ["support_access", f"--grant={grant}", "--by=ada"]
    text = wanted(*command_line)
    with pytest.raises(CommandError, match="Not signed by ada"):
        run(*command_line, f"--approval={signed(files['bob'], text)}")
    assert shown(acme, grant)["staff"] == ""
    assert is_well_formed(run(*command_line, f"--approval={signed(files['ada'], text)}"))
    assert shown(acme, grant)["staff"] == "ada"


def test_its_key_has_no_successor_that_would_outlive_it(acme):
    grant, staff = taken_up(acme)
    [key] = [one for one in acme.owner.get("api-keys").json()["results"] if BY in one["name"]]
    refused = acme.owner.post(f"api-keys/{key['id']}/rotation")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    acme.owner.delete(f"support-grants/{grant}")
    names = [one["name"] for one in acme.owner.get("api-keys").json()["results"]]
    assert not any(BY in name for name in names)
    assert staff.get("customers").status_code == 401
