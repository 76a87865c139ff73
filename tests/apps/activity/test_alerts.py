"""What is noticed has a place, and those who can do something hear of it, once."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, transaction
from django.test import Client

from saas.alerts import Severity, alert
from tests.cast import make_tenant
from tests.oauth import code_for, exchange, make_client, refresh, tokens_for
from tests.saas.persistence.test_outbox import entries
from tests.saas.persistence.test_worker import wait_until, workers

pytestmark = [pytest.mark.core, pytest.mark.practice("LOG-13")]

LETTER = "letters.deliver"
NOBODY = "00000000-0000-7000-8000-000000000000"
WHOLE = {
    "id",
    "kind",
    "severity",
    "message",
    "subject",
    "data",
    "playbook",
    "count",
    "first_seen_at",
    "last_seen_at",
    "acknowledged_at",
    "acknowledged_by",
}


def notice(tenant, kind="house.burning", **more):
    """Something looks wrong."""
    alert(tenant.id, kind, "Smoke was seen.", **more)


def alerts_of(tenant, query=""):
    """What the organization reads of it."""
    return tenant.accountant.get(f"alerts{query}").json()["results"]


def sent():
    """How many letters a worker has brought to the mail server."""
    return sum(entry.state == "done" for entry in entries() if LETTER in entry.name)


def test_what_is_noticed_again_is_one_alert_until_somebody_has_seen_to_it(acme):
    for _ in range(3):
        notice(acme)
    [row] = alerts_of(acme)
    assert row.keys() == WHOLE
    assert (row["kind"], row["severity"], row["count"]) == ("house.burning", "high", 3)
    assert row["subject"] == {"type": "organization", "id": str(acme.id)}
    assert row["first_seen_at"] < row["last_seen_at"]
    seen_to = acme.admin.post(f"alerts/{row['id']}/acknowledgement")
    assert seen_to.status_code == 201
    assert seen_to["Location"].endswith(f"/api/v1/alerts/{row['id']}")
    assert "ETag" not in seen_to
    assert seen_to.json() == acme.accountant.get(f"alerts/{row['id']}").json()
    assert seen_to.json()["acknowledged_by"] == str(acme.admin.user.pk)
    notice(acme)
    newer, older = alerts_of(acme)
    assert (newer["count"], newer["acknowledged_at"]) == (1, None)
    assert older == seen_to.json()


def test_another_kind_another_row_and_another_tenant_are_other_alerts(acme, globex):
    notice(acme)
    notice(acme, "house.flooded")
    notice(acme, row=acme.clerk.key)
    notice(acme, row=acme.viewer.key)
    notice(globex)
    assert [row["count"] for row in alerts_of(acme)] == [1] * 4
    assert [row["count"] for row in alerts_of(globex)] == [1]


def test_owners_and_admins_are_written_to_once_and_nobody_else(acme, globex, delivered):
    for _ in range(3):
        notice(acme)
    letters = delivered()
    assert sorted(letter.to[0] for letter in letters) == [
        acme.admin.user.email, acme.owner.user.email
    ]  # fmt: skip
    [row] = alerts_of(acme)
    for letter in letters:
        assert letter.subject == "Alert: house.burning"
        assert f"/api/v1/alerts/{row['id']}" in letter.body
    notice(acme)
    assert len(delivered()) == 2
    acme.owner.post(f"alerts/{row['id']}/acknowledgement")
    notice(acme)
    assert len(delivered()) == 4


def test_an_alert_goes_with_the_act_that_is_taken_back(acme, delivered):
    with transaction.atomic():
        notice(acme)
        transaction.set_rollback(True)
    assert alerts_of(acme) == []
    assert delivered() == []


def test_of_eight_who_notice_at_once_one_writes_letters_and_all_are_counted(committed, delivered):
    acme = make_tenant("Acme")
    start = Barrier(8)

    def noticing(_):
        try:
            start.wait()
            notice(acme)
        finally:
            connection.close()

    for round in range(1, 4):
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(noticing, range(8)))
        rows = alerts_of(acme)
        assert [row["count"] for row in rows] == [8] * round
        assert len(delivered()) == 2 * round
        assert acme.owner.post(f"alerts/{rows[0]['id']}/acknowledgement").status_code == 201


def test_an_alert_is_acknowledged_once_and_the_trail_says_by_whom(acme):
    notice(acme)
    [row] = alerts_of(acme)
    path = f"alerts/{row['id']}/acknowledgement"
    assert acme.owner.post(path).status_code == 201
    again = acme.admin.post(path)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    [event] = acme.owner.get("audit-events?event=alert.acknowledged").json()["results"]
    assert event["object"] == {"type": "alert", "id": row["id"]}
    assert event["user"] == str(acme.owner.user.pk)
    [row] = alerts_of(acme)
    assert row["acknowledged_by"] == str(acme.owner.user.pk)


@pytest.mark.practice("AUTHZ-05")
def test_who_may_not_acknowledge_changes_nothing(acme):
    notice(acme)
    [row] = alerts_of(acme)
    for member in (acme.accountant, acme.owner.with_scopes("alerts:read")):
        assert member.post(f"alerts/{row['id']}/acknowledgement").status_code == 403
    for member in (acme.clerk, acme.viewer, acme.owner.with_scopes("security:write")):
        assert member.get("alerts").status_code == 403
        assert member.get(f"alerts/{row['id']}").status_code == 403
    assert alerts_of(acme) == [row]


@pytest.mark.practice("AUTHZ-02")
def test_another_tenants_alert_is_the_same_404_as_one_that_never_was(acme, globex):
    notice(globex)
    [theirs] = alerts_of(globex)
    for method, end in (("GET", ""), ("POST", "/acknowledgement")):
        one = acme.owner.call(method, f"alerts/{theirs['id']}{end}")
        other = acme.owner.call(method, f"alerts/{NOBODY}{end}")
        assert one.status_code == other.status_code == 404
        assert one.json() | {"instance": ""} == other.json() | {"instance": ""}
    assert alerts_of(acme) == []
    assert alerts_of(globex) == [theirs]


def test_alerts_are_narrowed_and_ordered(acme):
    notice(acme)
    notice(acme, "house.flooded", severity=Severity.LOW)
    notice(acme, row=acme.clerk.key)
    notice(acme)
    first = alerts_of(acme)[-1]
    acme.owner.post(f"alerts/{first['id']}/acknowledgement")

    def kinds(query):
        return [(row["kind"], row["count"]) for row in alerts_of(acme, query)]

    assert kinds("?severity=low") == [("house.flooded", 1)]
    assert kinds("?kind=house.flooded") == [("house.flooded", 1)]
    assert kinds("?acknowledged=true") == [("house.burning", 2)]
    assert len(kinds("?acknowledged=false")) == 2
    assert kinds(f"?subject={acme.clerk.key.pk}") == [("house.burning", 1)]
    assert kinds("?ordering=-last_seen_at")[0] == ("house.burning", 2)
    assert kinds("?ordering=first_seen_at")[0] == ("house.burning", 2)
    assert kinds("?ordering=-first_seen_at") == kinds("")


@pytest.mark.practice("INPUT-02")
@pytest.mark.parametrize(
    "query",
    ["acknowledged=1", "severity=HIGH", "kind=%25", "subject=1", "count=1", "ordering=kind"],
)
def test_what_is_no_filter_is_refused(acme, query):
    assert acme.owner.get(f"alerts?{query}").status_code == 400


@pytest.mark.practice("AUTHN-06")
@pytest.mark.parametrize("place", ["url", "clear"])
def test_an_exposed_key_is_an_alert_that_names_it_and_does_not_hold_it(acme, delivered, place):
    if place == "url":
        acme.owner.get(f"customers?api_key={acme.clerk.secret}")
    else:
        Client().get("/api/v1/customers", headers={"X-API-Key": acme.clerk.secret})
    [row] = alerts_of(acme)
    assert row["kind"] == "api-key.exposed"
    assert row["subject"] == {"type": "apikey", "id": str(acme.clerk.key.pk)}
    assert acme.clerk.key.public_id in row["message"]
    letters = delivered()
    assert len(letters) == 3  # the owner, the admin and the key's maker
    for text in (str(row), *(letter.body for letter in letters)):
        assert acme.clerk.secret not in text


@pytest.mark.practice("AUTHN-04")
@pytest.mark.parametrize("came_back", ["token", "code"])
def test_what_comes_back_a_second_time_is_an_alert(acme, came_back):
    app = make_client(acme, "customers:read")
    if came_back == "token":
        first = tokens_for(acme.clerk, "customers:read", client=app)
        second = refresh(app, first["refresh_token"]).json()
        used = refresh(app, second["refresh_token"])
        assert used.status_code == 200
        assert refresh(app, first["refresh_token"]).status_code == 400
    else:
        code = code_for(app, acme.clerk, "customers:read")
        pair = exchange(app, code).json()
        assert refresh(app, pair["refresh_token"]).status_code == 200
        assert exchange(app, code).status_code == 400
    [row] = alerts_of(acme)
    assert row["kind"] == "oauth-grant.replayed"
    assert row["subject"]["type"] == "oauthgrant"


@pytest.mark.practice("AUTHN-06")
def test_an_exposed_token_is_an_alert(acme, delivered):
    pair = tokens_for(acme.clerk, "customers:read")
    Client().get(f"/api/v1/customers?access_token={pair['access_token']}", secure=True)
    [row] = alerts_of(acme)
    assert (row["kind"], row["severity"]) == ("oauth-grant.exposed", "high")
    assert pair["access_token"] not in str(row)
    assert len(delivered(acme.owner.user.email)) == 1


def test_from_the_event_to_the_letter_it_takes_less_than_ten_seconds(committed):
    acme = make_tenant("Acme")
    with workers(1):
        notice(acme)
        wait_until(lambda: sent() == 2)
        begun = time.monotonic()
        notice(acme, "house.flooded")
        wait_until(lambda: sent() == 4)
        assert time.monotonic() - begun < 10
