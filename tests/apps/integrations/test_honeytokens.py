"""A key that is left lying about opens nothing, and whoever picks it up rings a bell unheard."""

from datetime import datetime
from time import sleep

import pytest
import time_machine
from django.test import Client

from apps.integrations.models import ApiKey
from saas.authentication import keys, lookup
from saas.tenancy.binding import bind
from tests.apps.integrations.test_api_keys import make
from tests.cast import call, make_tenant
from tests.journey.test_budget import cost
from tests.matrix.samples import SAMPLES, filled
from tests.saas.wire import but_for_instance, on_postgresql, refused

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHN-19")]

KIND = "api-key.honeytoken-used"


def shown_from(address, secret, path="customers", method="GET", **headers):
    """A call from this address."""
    caller = Client(raise_request_exception=False, REMOTE_ADDR=address)
    return call(caller, method, path, **{"X-API-Key": secret, **headers})


@pytest.fixture
def bait(acme):
    """A honeytoken, as the answer that made it."""
    answer, _ = make(acme.admin, scopes=["customers:read"], honeytoken=True)
    return answer.json()


def alerts(tenant):
    """What was noticed."""
    return tenant.owner.get(f"alerts?kind={KIND}").json()["results"]


def test_it_looks_like_every_other_key_but_to_those_who_see_keys(acme, bait):
    answer, _ = make(acme.admin, scopes=["customers:read"])
    other = answer.json()
    assert bait.keys() == other.keys()
    assert {name for name in bait if type(bait[name]) is not type(other[name])} == set()
    assert keys.is_well_formed(bait["secret"])
    shown = {row["id"]: row["honeytoken"] for row in acme.owner.get("api-keys").json()["results"]}
    assert (shown[bait["id"]], shown[other["id"]]) == (True, False)
    assert acme.clerk.get(f"api-keys/{bait['id']}").status_code == 403
    for member in (acme.accountant, acme.clerk, acme.viewer):
        assert member.post("api-keys", {"name": "Mine", "honeytoken": True}).status_code == 403
    wrong = acme.owner.post("api-keys", {"name": "x", "honeytoken": "yes"})
    assert [e["pointer"] for e in wrong.json()["errors"]] == ["/honeytoken"]


def test_every_operation_answers_as_for_a_key_that_never_was(acme, bait):
    for number, (path, sample) in enumerate(SAMPLES.items()):
        path = filled(path, "00000000-0000-7000-8000-000000000000")
        for method in ("GET", *sample.bodies):
            heard = [
                shown_from(f"198.51.100.{number}", secret, path, method)
                for secret in (bait["secret"], keys.mint().secret)
            ]
            if heard[1].status_code == 405:
                continue
            assert heard[0].status_code == 401
            assert but_for_instance(heard[0]) == but_for_instance(heard[1]), path


def test_whoever_shows_it_often_hears_what_a_guesser_hears(acme, bait):
    told = [
        [shown_from(address, secret).status_code for _ in range(12)]
        for address, secret in (
            ("198.51.100.71", bait["secret"]),
            ("198.51.100.72", keys.mint().secret),
        )
    ]
    assert told[0] == told[1]
    assert told[0][-1] == 429


def test_the_owners_hear_of_it_with_address_and_path_and_not_again_for_a_while(
    acme, bait, delivered
):
    for path in ("customers", "me", f"invoices/{acme.id}"):
        refused(shown_from("198.51.100.73", bait["secret"], path), 401, "invalid-token")
    [alert] = alerts(acme)
    assert (alert["severity"], alert["count"]) == ("high", 1)
    assert alert["subject"] == {"type": "apikey", "id": bait["id"]}
    assert "198.51.100.73 at /api/v1/customers" in alert["message"]
    [entry] = acme.owner.get(f"audit-events?event={KIND}").json()["results"]
    assert entry["object"] == {"type": "apikey", "id": bait["id"]}
    assert entry["data"] == {"path": "/api/v1/customers"}
    for member in (acme.owner, acme.admin):
        [letter] = delivered(member.user.email)
        assert bait["prefix"] in letter.body
        assert bait["secret"] not in letter.body
    assert delivered(acme.clerk.user.email) == []


@on_postgresql
@pytest.mark.usefixtures("committed")
def test_until_the_answer_has_left_it_costs_what_an_unknown_key_costs(monkeypatch):
    """The bell rings later and elsewhere: until the answer has left nothing differs."""
    acme = make_tenant("Acme")
    answer, _ = make(acme.admin, honeytoken=True)
    bait = answer.json()["secret"]
    rung = []
    shown_from("198.51.100.74", keys.mint().secret)  # loads the scripts
    unknown, _ = cost(lambda: shown_from("198.51.100.74", keys.mint().secret))
    monkeypatch.setattr("saas.view.tell_later", rung.append)
    shown, heard = cost(lambda: shown_from("198.51.100.74", bait))
    assert heard.status_code == 401
    assert shown == unknown
    assert len(rung) == 1


@pytest.mark.usefixtures("committed")
def test_the_bell_rings_after_the_answer_and_once_for_those_who_try_together(settings):
    settings.KEY_ALARM_DELAY = 0.6
    acme = make_tenant("Acme")
    answer, _ = make(acme.admin, honeytoken=True)
    for _ in range(3):
        heard = shown_from("198.51.100.78", answer.json()["secret"])
        refused(heard, 401, "invalid-token")
    assert alerts(acme) == []
    for _ in range(50):
        sleep(0.1)
        if rung := alerts(acme):
            break
    assert [alert["count"] for alert in rung] == [1]
    sleep(0.5)  # nobody waits any more
    assert [alert["count"] for alert in alerts(acme)] == [1]


def test_it_holds_nothing_even_for_a_room_that_forgets_what_it_is(acme, bait):
    principal = lookup.key_principal(bait["secret"])
    assert principal.scopes == frozenset()


def test_it_has_no_idle_time_and_ends_and_is_replaced_like_the_others(acme, bait):
    ends = datetime.fromisoformat(bait["expires_at"])
    successor = acme.admin.post(f"api-keys/{bait['id']}/rotation", {"overlap_hours": 0}).json()
    assert successor["honeytoken"] is True
    refused(shown_from("198.51.100.75", successor["secret"]), 401, "invalid-token")
    assert len(alerts(acme)) == 1
    with time_machine.travel(ends, tick=False):
        refused(shown_from("198.51.100.76", bait["secret"]), 401, "invalid-token")
    with bind(acme.id):
        assert ApiKey.objects.get(pk=bait["id"]).last_used_at is None


def test_its_last_use_is_never_noted(acme, bait):
    shown_from("198.51.100.77", bait["secret"])
    assert acme.owner.get(f"api-keys/{bait['id']}").json()["last_used_at"] is None
