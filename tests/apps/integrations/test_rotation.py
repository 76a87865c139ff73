"""Rotation: a successor takes over while the old key still works, and then the old one ends."""

from datetime import datetime, timedelta

import pytest
import time_machine
from django.conf import settings
from django.utils import timezone

from saas.tenancy.binding import bind
from tests.cast import Member

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHN-17")]

SHOWN = {
    *("id", "name", "secret", "prefix", "scopes", "allowed_networks", "honeytoken"),
    *("expires_at", "created_at", "last_used_at"),
}


def rotate(by, old, body=None):
    """The successor of `old`, as the answer and as somebody who calls with it."""
    answer = by.post(f"api-keys/{old.key.pk}/rotation", body)
    assert answer.status_code == 201, answer.content
    return answer, Member(old.organization, by.user, by.role, answer.json()["secret"], old.key)


def test_the_successor_has_the_same_name_and_scopes_its_own_secret_and_its_own_address(acme):
    old = acme.owner.with_scopes("customers:read", "invoices:read")
    answer, new = rotate(acme.owner, old)
    made = answer.json()
    assert made.keys() == SHOWN
    assert made["name"] == "test"
    assert made["scopes"] == ["customers:read", "invoices:read"]
    assert made["id"] != str(old.key.pk)
    assert made["secret"] != old.secret
    assert answer["Location"] == f"{settings.SAAS_ORIGIN}/api/v1/api-keys/{made['id']}"
    assert acme.owner.get(answer["Location"]).json()["id"] == made["id"]
    assert new.get("customers").status_code == 200
    [event] = acme.owner.get("audit-events?event=api-key.rotated").json()["results"]
    assert event["object"]["id"] == str(old.key.pk)
    assert event["data"] == {"successor": made["id"]}


@pytest.mark.parametrize(("body", "hours"), [(None, 24), ({"overlap_hours": 2}, 2)])
def test_the_old_key_lives_for_the_overlap_and_no_longer(acme, body, hours):
    old = acme.owner.with_scopes("customers:read")
    now = timezone.now()
    with time_machine.travel(now, tick=False) as clock:
        _, new = rotate(acme.owner, old, body)
        assert old.get("customers").status_code == 200
        clock.shift(timedelta(hours=hours, seconds=-1))
        assert old.get("customers").status_code == 200
        clock.shift(1)
        assert old.get("customers").status_code == 401
        assert new.get("customers").status_code == 200


def test_without_an_overlap_the_old_key_ends_at_once(acme):
    old = acme.owner.with_scopes("customers:read")
    _, new = rotate(acme.owner, old, {"overlap_hours": 0})
    assert old.get("customers").status_code == 401
    assert new.get("customers").status_code == 200


def test_an_overlap_never_makes_the_old_key_live_longer(acme):
    old = acme.owner.with_scopes("customers:read")
    with bind(acme.id):
        old.key.expires_at = soon = timezone.now() + timedelta(hours=1)
        old.key.save()
    rotate(acme.owner, old, {"overlap_hours": 24})
    read = acme.owner.get(f"api-keys/{old.key.pk}").json()
    assert datetime.fromisoformat(read["expires_at"]) == soon


def test_a_key_may_replace_itself(acme):
    key = acme.owner.with_scopes("api-keys:write", "integrations:read")
    _, new = rotate(key, key, {"overlap_hours": 0})
    assert key.get("api-keys").status_code == 401
    assert new.get("api-keys").status_code == 200


@pytest.mark.practice("AUTHN-05")
def test_nobody_rotates_a_key_into_more_than_they_hold(acme):
    refused = acme.admin.post(f"api-keys/{acme.owner.key.pk}/rotation")
    assert refused.status_code == 403
    assert refused.json()["code"] == "permission-denied"
    assert "organization:write" in refused.json()["detail"]
    ends = acme.owner.get(f"api-keys/{acme.owner.key.pk}").json()["expires_at"]
    assert datetime.fromisoformat(ends) == acme.owner.key.expires_at
    assert acme.owner.get("audit-events?event=api-key.rotated").json()["results"] == []


def test_the_successor_belongs_to_who_asked_for_it(acme):
    old = acme.clerk.with_scopes("customers:read")
    answer, _ = rotate(acme.admin, old)
    read = acme.owner.get(f"integrations/{answer.json()['id']}").json()
    assert read["created_by"] == str(acme.admin.user.pk)


def test_a_key_that_has_ended_is_not_rotated(acme):
    old = acme.owner.with_scopes("customers:read")
    with bind(acme.id):
        old.key.expires_at = timezone.now()
        old.key.save()
    refused = acme.owner.post(f"api-keys/{old.key.pk}/rotation")
    assert refused.status_code == 409
    assert refused.json()["code"] == "conflict"
    acme.owner.delete(f"api-keys/{old.key.pk}")
    assert acme.owner.post(f"api-keys/{old.key.pk}/rotation").status_code == 404


@pytest.mark.practice("INPUT-01")
@pytest.mark.parametrize(
    "wrong", [-1, 25, "2", 2.0, True, None, 10**30], ids=lambda value: str(value)
)
def test_an_overlap_is_a_whole_number_of_hours_up_to_a_day(acme, wrong):
    old = acme.owner.with_scopes("customers:read")
    before = acme.owner.get("api-keys").json()["results"]
    refused = acme.owner.post(f"api-keys/{old.key.pk}/rotation", {"overlap_hours": wrong})
    assert refused.status_code == 400
    assert [e["pointer"] for e in refused.json()["errors"]] == ["/overlap_hours"]
    after = acme.owner.get("api-keys").json()["results"]
    assert [row["id"] for row in after] == [row["id"] for row in before]


def test_a_rotation_is_made_and_neither_read_nor_listed(acme):
    refused = acme.owner.get(f"api-keys/{acme.owner.key.pk}/rotation")
    assert refused.status_code == 405
    assert refused["Allow"] == "POST"
