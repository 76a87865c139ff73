"""From the request to the letter, through the real log, the real tables and a real worker."""

import time
from datetime import timedelta
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from saas.alerts import tightened
from saas.edge import log
from saas.persistence import schedule
from saas.watch import actions, tasks
from saas.watch.detectors import detectors
from saas.watch.feed import Watch
from saas.watch.lines import Subject
from saas.watch.models import HouseAlert
from saas.watch.tallies import MemoryTallies
from tests.cast import make_tenant
from tests.oauth import bearer, tokens_for
from tests.saas.persistence.test_outbox import entries
from tests.saas.persistence.test_worker import wait_until, workers

pytestmark = pytest.mark.core


def heard_by(monkeypatch, **options):
    """A watch that listens to the real log."""
    watch = Watch(store=MemoryTallies(), **{"live": False} | options)
    monkeypatch.setattr(log, "LISTENERS", [watch])
    return watch


def alerts_of(tenant):
    """What the organization reads."""
    return tenant.accountant.get("alerts").json()["results"]


@pytest.mark.practice("LOG-08")
def test_a_clerk_who_tries_what_admins_do_is_an_alert_that_says_what_to_do(
    acme, globex, monkeypatch, delivered
):
    watch = heard_by(monkeypatch)
    asked = [acme.clerk.get("alerts") for _ in range(5)]  # accountants may, so it is none
    watch.drain()
    assert alerts_of(acme) == []
    asked = [acme.clerk.post("api-keys", {"name": "mine"}) for _ in range(3)]
    assert {answer.status_code for answer in asked} == {403}
    watch.drain()
    [row] = alerts_of(acme)
    assert (row["kind"], row["severity"]) == ("admin-operations.tried", "high")
    assert row["subject"] == {"type": "principal", "id": str(acme.clerk.key.pk)}
    assert row["playbook"].endswith("/docs/playbooks/admin-operations")
    assert row["data"]["count"] == 3
    assert row["data"]["request_ids"] == [answer["X-Request-Id"] for answer in asked]
    assert row["data"]["done"] == "notify"
    assert alerts_of(globex) == []
    letters = delivered()
    assert sorted(letter.to[0] for letter in letters) == [
        acme.admin.user.email, acme.owner.user.email
    ]  # fmt: skip
    assert row["playbook"] in letters[0].body


@pytest.mark.practice("LOG-08")
def test_what_only_admins_do_is_read_from_the_declarations():
    from saas.watch.detectors.admin_operations import admin_operations

    names = admin_operations()
    assert {"api-keys.create", "members.create", "security-policy.partial_update"} & names
    assert not {"alerts.list", "invoices.list", "me.list", "customers.create"} & names


@pytest.mark.practice("LOG-05")
def test_a_network_is_the_houses_and_those_it_called_hear_of_it(
    committed, monkeypatch, settings, delivered
):
    acme, globex, ip = make_tenant("Acme"), make_tenant("Globex"), "100.99.98.97"
    settings.SAAS_OPERATORS = ["night@house.example"]
    watch = heard_by(monkeypatch)
    guest = Client(REMOTE_ADDR=ip)
    acme.owner.client = guest
    assert acme.owner.get("me").status_code == 200
    for _ in range(51):
        guest.get("/api/v1/me", secure=True, headers={"X-API-Key": "wrong"})
    watch.drain()
    row = HouseAlert.objects.get()
    assert (row.kind, row.subject, row.closed_at) == (
        "refusals.spiked", f"network {ip}", None
    )  # fmt: skip
    assert len(row.data["request_ids"]) == 5
    [letter] = delivered("night@house.example")
    assert ip in letter.body
    assert "/docs/playbooks/refusals" in letter.body
    [alert] = alerts_of(acme)
    assert alert["subject"]["type"] == "network"
    assert alert["data"]["network"] == ip
    assert alerts_of(globex) == []
    trail = acme.owner.get("audit-events").content.decode()
    assert ip not in trail  # the trail is kept for ever, and alerts are not


@pytest.mark.practice("LOG-05")
def test_no_more_than_five_organizations_hear_of_a_network(scene, found):
    watch = Watch(store=MemoryTallies(), live=False, tell=found.append)
    for n in range(9):
        watch(scene.line(org=str(UUID(int=n))))
    for n in range(60):
        watch(scene.stranger(at=n / 10))
    watch.drain()
    [finding] = found
    assert len(finding.tenants) == 5


@pytest.mark.practice("LOG-13")
def test_from_the_request_to_the_delivered_letter_in_ten_seconds(committed, monkeypatch):
    acme = make_tenant("Acme")
    with workers(1):
        wait_until(lambda: any("RegularJob" in e.name or e.state == "done" for e in entries()))
        heard_by(monkeypatch, live=True)
        began = time.monotonic()
        for _ in range(3):
            assert acme.clerk.post("api-keys", {"name": "mine"}).status_code == 403

        def arrived():
            letters = [entry for entry in entries() if entry.name.endswith("letters.deliver")]
            return len(letters) == 2 and all(entry.state == "done" for entry in letters)

        wait_until(arrived, 20)
        assert time.monotonic() - began < 10
    assert [row["kind"] for row in alerts_of(acme)] == ["admin-operations.tried"]


@pytest.mark.practice("LOG-13")
def test_the_route_is_proved_each_night(db, settings, delivered):
    settings.SAAS_OPERATORS = ["night@house.example"]
    tasks.alert_test.func()
    call_command("alert_test", stdout=StringIO())
    [letter] = delivered("night@house.example")
    assert "test" in letter.body
    assert HouseAlert.objects.get().count == 2
    assert tasks.alert_test.module_path in schedule.JOBS


@pytest.mark.practice("LOG-13")
def test_a_route_to_nobody_is_no_route(db, settings):
    settings.SAAS_OPERATORS = []
    with pytest.raises(CommandError, match="SAAS_OPERATORS"):
        call_command("alert_test")


def test_what_was_closed_a_year_ago_goes(db):
    now = timezone.now()
    for closed_at in (None, now, now - timedelta(days=366)):
        HouseAlert.objects.create(
            kind="a.b", message="", subject=str(closed_at), closed_at=closed_at
        )
    tasks.forget_house_alerts.func()
    assert HouseAlert.objects.count() == 2


@pytest.fixture
def tight():
    """The callers whose limits were asked to fall."""
    heard = []

    def hear(principal_id, seconds, reason, **_):
        heard.append((principal_id, seconds, reason))

    tightened.connect(hear)
    yield heard
    tightened.disconnect(hear)


def allow(tenant, rung):
    """The organization says how far the watch may go."""
    answer = tenant.owner.patch("security-policy", {"watch_response": rung})
    assert answer.status_code == 200, answer.content


def climb(tenant, principal, rung):
    """What the watch does to a principal when a kind asks for this rung."""
    return actions.act(tenant.id, UUID(str(principal)), "refusals.spiked", actions.Rung(rung))


def done_to(tenant):
    """What the trail says of it."""
    events = tenant.owner.get("audit-events").json()["results"]
    return [event["event"] for event in events if event["event"].startswith("watch.")]


@pytest.mark.practice("LOG-08")
def test_nothing_is_done_beyond_what_the_organization_allows(acme, tight):
    key = acme.clerk.key.pk
    assert climb(acme, key, "revoke") == "notify"
    assert (tight, done_to(acme)) == ([], [])
    allow(acme, "tighten")
    assert climb(acme, key, "revoke") == "tighten"
    assert tight == [(key, 3600, "refusals.spiked")]
    assert done_to(acme) == ["watch.tightened"]
    assert acme.clerk.get("me").status_code == 200
    assert climb(acme, key, "notify") == "notify"
    assert len(tight) == 1


@pytest.mark.practice("LOG-13")
def test_a_key_ends_once_and_its_maker_hears_why(acme, delivered):
    allow(acme, "revoke")
    for _ in range(2):
        assert climb(acme, acme.clerk.key.pk, "revoke") == "revoke"
    assert acme.clerk.get("me").status_code == 401
    assert acme.viewer.get("me").status_code == 200
    assert done_to(acme).count("watch.ended") == 1
    [letter] = delivered(acme.clerk.user.email)
    assert "refusals.spiked" in letter.body


@pytest.mark.practice("LOG-13")
def test_a_person_signs_in_again_and_a_key_is_left_alone(acme, tight):
    allow(acme, "step-up")
    tokens = tokens_for(acme.clerk, "customers:read")
    shown, client = bearer(tokens["access_token"]), Client(raise_request_exception=False)
    assert client.get("/api/v1/me", secure=True, headers=shown).status_code == 200
    assert climb(acme, acme.clerk.user.pk, "step-up") == "step-up"
    assert client.get("/api/v1/me", secure=True, headers=shown).status_code == 401
    assert climb(acme, acme.viewer.key.pk, "step-up") == "step-up"
    assert acme.viewer.get("me").status_code == 200
    assert [caller for caller, *_ in tight] == [acme.clerk.user.pk, acme.viewer.key.pk]


@pytest.mark.practice("LOG-13")
def test_an_organization_cannot_choose_not_to_be_told(acme):
    for value in ("log", "", None, "everything", 1):
        answer = acme.owner.patch("security-policy", {"watch_response": value})
        assert answer.status_code == 400


@pytest.mark.practice("LOG-13")
def test_a_mere_network_ends_nothing(acme, monkeypatch, settings, scene):
    settings.SAAS_WATCH_ACTIONS = {"refusals.spiked": "revoke"}
    allow(acme, "revoke")
    watch = heard_by(monkeypatch)
    acme.owner.client = Client(REMOTE_ADDR=scene.ip)
    acme.owner.get("me")
    for _ in range(60):
        acme.owner.client.get("/api/v1/me", secure=True, headers={"X-API-Key": "wrong"})
    watch.drain()
    assert len(alerts_of(acme)) == 1
    assert acme.owner.get("me").status_code == 200
    assert done_to(acme) == []


@pytest.mark.practice("LOG-13")
def test_a_kind_that_is_only_logged_is_no_alert(acme, settings, scene, caplog):
    settings.SAAS_WATCH_ACTIONS = {"refusals.spiked": "log"}
    watch = Watch(store=MemoryTallies(), live=False)
    for line in detectors()["refusals.spiked"].simulate(scene):
        watch(line)
    watch.drain(replayed=True)
    assert alerts_of(acme) == []
    assert "refusals.spiked" in caplog.text


@pytest.mark.practice("LOG-13")
@pytest.mark.parametrize("kind", sorted(detectors()))
def test_each_kind_can_be_planted(kind, acme, settings):
    settings.SAAS_DEMO = True
    said = StringIO()
    call_command("simulate", kind, organization="acme", stdout=said)
    assert "/docs/playbooks/" in said.getvalue()
    rows = [row["kind"] for row in alerts_of(acme)]
    houses = list(HouseAlert.objects.values_list("kind", flat=True))
    assert rows == [kind] or houses == [kind]


def test_nothing_is_planted_where_real_alerts_are(acme, settings):
    settings.SAAS_DEMO = False
    with pytest.raises(CommandError):
        call_command("simulate", "refusals.spiked")


def test_a_network_has_an_id_that_is_made_of_its_name():
    one, other = Subject("network", "192.0.2.1"), Subject("network", "192.0.2.2")
    assert one.id == Subject("network", "192.0.2.1").id != other.id


def test_an_alert_of_the_house_is_listed_until_somebody_closes_it(db):
    row = HouseAlert.objects.create(
        kind="requests.surged", severity="high", message="x", subject="network 192.0.2.1"
    )
    assert f"{row.pk} high requests.surged: network 192.0.2.1, 1 times" in asked_of_house()
    with pytest.raises(CommandError, match="who closes it"):
        asked_of_house("--close", str(row.pk))
    assert asked_of_house("--close", str(row.pk), "--by", "Ada") == f"{row.pk} is closed.\n"
    assert asked_of_house() == ""
    with pytest.raises(CommandError, match="No open alert"):
        asked_of_house("--close", str(row.pk), "--by", "Ada")


def asked_of_house(*words):
    said = StringIO()
    call_command("house_alerts", *words, stdout=said)
    return said.getvalue()
