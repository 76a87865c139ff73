"""A key that is good for some networks opens nothing elsewhere, and its owners hear who tried."""

from time import sleep

import pytest
from django.db import DatabaseError
from django.test import Client

from apps.integrations import misuse
from apps.integrations.models import ApiKey
from tests.apps.integrations.test_api_keys import make, names_of
from tests.cast import Member, call
from tests.saas.wire import but_for_instance, refused

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHN-18")]

OFFICE = ["203.0.113.0/24", "2001:db8:1::/48"]
INSIDE = ["203.0.113.1", "203.0.113.255", "2001:db8:1:2::3", "::ffff:203.0.113.7"]
OUTSIDE = ["203.0.112.255", "198.51.100.1", "2001:db8:2::1", "::ffff:198.51.100.1", "", "nonsense"]


def shown_from(address, secret, method="GET", path="customers", body=None, **headers):
    """A call from this address."""
    caller = Client(raise_request_exception=False, REMOTE_ADDR=address)
    return call(caller, method, path, body, **{"X-API-Key": secret, **headers})


@pytest.fixture
def bound(acme):
    """A key for the office."""
    answer, caller = make(acme.owner, scopes=["customers:read"], allowed_networks=OFFICE)
    caller.key = ApiKey(pk=answer.json()["id"], public_id=answer.json()["prefix"][-12:])
    return caller


def entries(tenant, event="api-key.used-elsewhere"):
    """What the trail says."""
    return tenant.owner.get(f"audit-events?event={event}").json()["results"]


def alerts(tenant, kind="api-key.used-elsewhere"):
    """What was noticed."""
    return tenant.owner.get(f"alerts?kind={kind}").json()["results"]


def test_a_key_opens_inside_its_networks_and_nowhere_else(acme, bound):
    for address in INSIDE:
        assert shown_from(address, bound.secret).status_code == 200, address
    for address in OUTSIDE:
        refused(shown_from(address, bound.secret), 403, "network-not-allowed")


def test_the_refusal_tells_neither_the_networks_nor_anything_of_the_request(acme, bound):
    heard = [
        shown_from("198.51.100.1", bound.secret),
        shown_from("198.51.100.1", bound.secret, path="members"),  # it lacks the scope
        shown_from("198.51.100.1", bound.secret, path=f"customers/{acme.id}"),  # no such row
        shown_from("198.51.100.1", bound.secret, "POST", "customers", b"{nonsense"),
    ]
    for one in heard:
        del one["Allow"]  # of the path, which the caller knows
    assert all(but_for_instance(one) == but_for_instance(heard[0]) for one in heard)
    whole = f"{heard[0].headers}{heard[0].content.decode()}"
    for hidden in ("203.0.113", "2001:db8", "198.51.100", "customers:read", "RateLimit"):
        assert hidden not in whole


def test_a_thief_elsewhere_uses_up_none_of_the_owners_limits_and_no_idle_time(acme, bound):
    before = shown_from("203.0.113.1", bound.secret)["RateLimit"]
    for _ in range(5):
        shown_from("198.51.100.1", bound.secret)
    after = shown_from("203.0.113.1", bound.secret)["RateLimit"]
    left = [int(one["RateLimit"].split("r=")[1].split(";")[0]) for one in
            ({"RateLimit": before}, {"RateLimit": after})]  # fmt: skip
    assert left[0] - left[1] == 1


def test_a_header_that_names_another_address_moves_nobody(settings, bound):
    for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "CF-Connecting-IP"):
        forged = shown_from("198.51.100.1", bound.secret, **{name: "203.0.113.1"})
        refused(forged, 403, "network-not-allowed")
    settings.SAAS_TRUSTED_PROXIES = ["10.0.0.0/8"]
    forwarded = {"X-Forwarded-For": "203.0.113.1"}
    assert shown_from("10.0.0.1", bound.secret, **forwarded).status_code == 200
    forwarded = {"X-Forwarded-For": "203.0.113.1, 198.51.100.1"}  # the first is the client's own
    refused(shown_from("10.0.0.1", bound.secret, **forwarded), 403, "network-not-allowed")


def test_it_is_written_down_and_told_once_an_hour(acme, bound, delivered, settings):
    for _ in range(3):
        shown_from("198.51.100.1", bound.secret)
    [entry] = entries(acme)
    assert entry["object"]["id"] == str(bound.key.pk)
    assert entry["data"] == {"path": "/api/v1/customers"}
    [alert] = alerts(acme)
    assert alert["count"] == 1
    assert "198.51.100.1" in alert["message"]
    assert "/api/v1/customers" in alert["message"]
    assert "203.0.113" not in alert["message"]
    [letter] = delivered(acme.owner.user.email)
    assert bound.key.public_id in letter.body
    assert bound.secret not in letter.body
    settings.KEY_ALARMS = {"elsewhere": (1, 1)}  # an hour is over
    sleep(1.1)
    shown_from("198.51.100.2", bound.secret)
    assert len(entries(acme)) == 2
    assert [alert["count"] for alert in alerts(acme)] == [2]


def test_the_networks_are_shown_as_they_are_kept(acme):
    given = {
        "203.0.113.77": "203.0.113.77/32",
        "198.51.100.77/24": "198.51.100.0/24",
        "2001:DB8:0:0::1/64": "2001:db8::/64",
        "2001:db8::0:2": "2001:db8::2/128",
        "::ffff:192.0.2.1": "192.0.2.1/32",
        "::FFFF:192.0.3.9/120": "192.0.3.0/24",
        "192.0.3.0/24": None,  # the same once more
    }
    answer, _ = make(acme.owner, allowed_networks=list(given))
    shown = [network for network in given.values() if network]
    assert answer.json()["allowed_networks"] == shown
    read = acme.accountant.get(f"api-keys/{answer.json()['id']}").json()
    assert read["allowed_networks"] == shown
    [row] = [r for r in acme.owner.get("api-keys").json()["results"] if r["id"] == read["id"]]
    assert row["allowed_networks"] == shown


@pytest.mark.practice("INPUT-01")
@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ("office", "invalid"), ("203.0.113.0/33", "invalid"), ("203.0.113", "invalid"),
        ("203.0.113.0/255.255.255.0", "invalid"), ("203.0.113.0-9", "invalid"),
        ("203.0.113.٣", "invalid"), ("fe80::1%eth0", "invalid"), (3405803776, "invalid"),
        ("203.0.113.1 ", "invalid"), ("", "invalid"), (None, "null"), (["203.0.113.1"], "invalid"),
        ("2001:db8::/129", "invalid"), ("x" * 5000, "invalid"), ("203.000.113.1", "invalid"),
        ("0.0.0.0/0", "too-wide"), ("::/0", "too-wide"), ("128.0.0.0/1", "too-wide"),
        ("::ffff:0:0/96", "too-wide"), ("2000::/3", "too-wide"), ("192.0.0.0/7", "too-wide"),
        ("10.1.2.0/24", "unreachable"), ("172.16.0.1", "unreachable"), ("192.168.0.0/16", "unreachable"),
        ("100.64.0.1", "unreachable"), ("127.0.0.1", "unreachable"), ("169.254.169.254", "unreachable"),
        ("0.1.2.3", "unreachable"), ("224.0.0.1", "unreachable"), ("255.255.255.255", "unreachable"),
        ("240.0.0.0/8", "unreachable"), ("::1", "unreachable"), ("::", "unreachable"),
        ("fd00::/16", "unreachable"), ("fe80::/64", "unreachable"), ("ff02::1", "unreachable"),
        ("::ffff:10.0.0.1", "unreachable"), ("::ffff:127.0.0.1/128", "unreachable"),
    ],
)  # fmt: skip
def test_what_is_no_network_of_callers_makes_no_key(acme, wrong, code):
    before = names_of(acme)
    body = {"name": "x", "allowed_networks": ["203.0.113.0/24", wrong]}
    answer = acme.owner.post("api-keys", body)
    assert answer.status_code == 400
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [
        ("/allowed_networks/1", code)
    ]
    assert names_of(acme) == before


def test_a_list_of_networks_is_a_short_list(acme):
    many = [f"203.0.113.{number}" for number in range(21)]
    assert make(acme.owner, allowed_networks=many[:20])
    for wrong, code in ((many, "max-length"), ("203.0.113.0/24", "not-a-list"), (None, "null")):
        answer = acme.owner.post("api-keys", {"name": "x", "allowed_networks": wrong})
        assert answer.status_code == 400
        errors = answer.json()["errors"]
        assert [(e["pointer"], e["code"]) for e in errors] == [("/allowed_networks", code)]


def test_where_the_house_has_a_network_of_its_own_private_addresses_call(acme, settings):
    settings.SAAS_PRIVATE_CLIENTS = True
    private = ["10.1.2.0/24", "127.0.0.1", "::1"]
    answer, caller = make(acme.owner, scopes=["customers:read"], allowed_networks=private)
    assert answer.json()["allowed_networks"] == ["10.1.2.0/24", "127.0.0.1/32", "::1/128"]
    assert caller.get("customers").status_code == 200
    for nobodys in ("0.1.2.3", "224.0.0.1", "::", "ff02::1"):
        body = {"name": "x", "allowed_networks": [nobodys]}
        assert acme.owner.post("api-keys", body).status_code == 400


def test_a_successor_is_good_for_the_same_networks(acme, bound):
    answer = acme.owner.post(f"api-keys/{bound.key.pk}/rotation")
    assert answer.json()["allowed_networks"] == OFFICE
    refused(shown_from("198.51.100.1", answer.json()["secret"]), 403, "network-not-allowed")
    assert shown_from("203.0.113.1", answer.json()["secret"]).status_code == 200


def test_who_is_inside_makes_no_key_for_outside(acme):
    """Else a minute in the office would be worth a key that works from everywhere."""
    scopes = ["api-keys:write", "customers:read", "integrations:read"]
    answer, _ = make(acme.owner, scopes=scopes, allowed_networks=OFFICE)
    inside = Member(acme, acme.owner.user, "owner", answer.json()["secret"], acme.owner.key)
    inside.client = Client(raise_request_exception=False, REMOTE_ADDR="203.0.113.9")
    before = names_of(acme)
    for wider in (["198.51.100.0/24"], ["203.0.112.0/23"], ["203.0.113.1", "2001:db8::/32"]):
        answer = inside.post("api-keys", {"name": "Ladder", "allowed_networks": wider})
        refused(answer, 403, "permission-denied")
    narrow = acme.viewer.with_scopes("customers:read")
    before[str(narrow.key.pk)] = "test"
    refused(inside.post(f"api-keys/{narrow.key.pk}/rotation"), 403, "permission-denied")
    assert names_of(acme) == before
    for given, kept in ((None, OFFICE), ([], OFFICE), (["203.0.113.9"], ["203.0.113.9/32"])):
        body = {"name": "Narrow"} | ({} if given is None else {"allowed_networks": given})
        assert inside.post("api-keys", body).json()["allowed_networks"] == kept


def test_an_entry_that_could_not_be_written_is_written_the_next_time(acme, bound, monkeypatch):
    def fails(_):
        raise DatabaseError

    with monkeypatch.context() as broken:
        broken.setattr(misuse, "write", fails)
        refused(shown_from("198.51.100.1", bound.secret), 403, "network-not-allowed")
    assert entries(acme) == []
    shown_from("198.51.100.1", bound.secret)
    assert len(entries(acme)) == 1
