"""The highest rung of the watch freezes an organization, where its policy lets it and nowhere else."""

import pytest

from saas.alerts import shut_asked

actions = pytest.importorskip("saas.watch.actions")

pytestmark = [pytest.mark.core, pytest.mark.django_db, pytest.mark.practice("OPS-18")]


def climb(tenant):
    """What the watch does when a kind asks for the highest rung."""
    return actions.act(tenant.id, tenant.clerk.key.pk, "refusals.spiked", actions.Rung.FREEZE)


def test_the_watch_freezes_nobody_who_did_not_allow_it(acme):
    assert climb(acme) == "notify"
    assert acme.owner.patch("security-policy", {"watch_response": "revoke"}).status_code == 200
    assert climb(acme) == "revoke"
    assert acme.owner.get("me").status_code == 200


def test_the_watch_freezes_where_it_may_and_people_lift_it(acme, globex, contain):
    assert acme.owner.patch("security-policy", {"watch_response": "freeze"}).status_code == 200
    assert climb(acme) == climb(acme) == "freeze"
    assert acme.viewer.get("me").json()["code"] == "organization-frozen"
    assert globex.owner.get("me").status_code == 200
    [line] = contain("list", who=()).splitlines()
    assert line.endswith("by the watch: refusals.spiked")
    contain("lift", "freeze-org", "acme")
    assert acme.owner.get("me").status_code == 200


def test_where_nobody_can_freeze_the_credential_ends_and_no_more_is_claimed(acme):
    assert acme.owner.patch("security-policy", {"watch_response": "freeze"}).status_code == 200
    listening = shut_asked.receivers
    shut_asked.receivers = []
    shut_asked.sender_receivers_cache.clear()
    try:
        assert climb(acme) == "revoke"
    finally:
        shut_asked.receivers = listening
    assert acme.clerk.get("me").status_code == 401
    assert acme.owner.get("me").status_code == 200
