"""A key's people hear of its end three times and no more; a key that nobody uses ends before."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from apps.integrations import endings
from apps.integrations.models import ApiKey
from apps.integrations.tasks import tend_keys
from saas.persistence.outbox import call_of
from saas.persistence.schedule import JOBS
from saas.tenancy.binding import bind
from tests.apps.integrations.test_api_keys import make
from tests.cast import make_tenant
from tests.saas.persistence.test_outbox import entries

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHN-17")]

DAY = timedelta(days=1)


def tend(*tenants):
    """What the scheduled task does in each tenant."""
    for tenant in tenants:
        with bind(tenant.id):
            tend_keys.call()


@pytest.fixture
def quiet(acme):
    """The keys of the cast live on, so that only what a test makes ends."""
    far = timezone.now() + 500 * DAY
    with bind(acme.id):
        ApiKey.objects.update(expires_at=far, last_used_at=far)
    return acme


def letters(delivered, address):
    """The subjects to one address."""
    return [letter.subject for letter in delivered(address) if letter.subject.startswith("The API")]


def row(tenant, id):
    """A key as it stands in the table."""
    with bind(tenant.id):
        return ApiKey.objects.get(pk=id)


def test_its_maker_and_the_owners_hear_at_fourteen_seven_and_one_day_and_once_each(
    quiet, delivered
):
    answer, caller = make(quiet.admin, name="Import")
    id, ends = answer.json()["id"], row(quiet, answer.json()["id"]).expires_at
    told = []
    for days, expected in ((15, 0), (14, 1), (13, 1), (8, 1), (7, 2), (2, 2), (1, 3), (0.01, 3)):
        with time_machine.travel(ends - days * DAY, tick=False):
            with bind(quiet.id):
                ApiKey.objects.filter(pk=id).update(last_used_at=timezone.now())
            for _ in range(2):
                tend(quiet)
            told = letters(delivered, quiet.admin.user.email)
            assert len(told) == expected, days
            assert letters(delivered, quiet.owner.user.email) == told
    assert told == [
        f"The API key Import ends {when}" for when in ("in 14 days", "in 7 days", "within a day")
    ]
    assert letters(delivered, quiet.clerk.user.email) == []
    letter = delivered(quiet.admin.user.email)[0]
    assert f"/api/v1/api-keys/{id}/rotation" in letter.body
    assert f"{ends:%Y-%m-%d at %H:%M} UTC" in letter.body
    assert caller.secret not in letter.body
    with time_machine.travel(ends, tick=False):
        tend(quiet)
        assert len(letters(delivered, quiet.admin.user.email)) == 3


def test_a_warning_that_was_missed_is_not_sent_after_the_next(quiet, delivered):
    answer, _ = make(quiet.admin, name="Import")
    key = row(quiet, answer.json()["id"])
    with bind(quiet.id):
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=key.expires_at - 8 * DAY)
    for days, expected in ((6, 1), (5, 1)):  # no worker ran for weeks
        with time_machine.travel(key.expires_at - days * DAY, tick=False):
            tend(quiet)
            assert len(letters(delivered, quiet.admin.user.email)) == expected
    with time_machine.travel(key.expires_at - 10 * DAY, tick=False):  # a clock that is slow
        tend(quiet)
        assert len(letters(delivered, quiet.admin.user.email)) == 1


def test_a_key_that_was_made_for_three_days_is_announced_on_its_last(quiet, delivered):
    ends = timezone.now() + 3 * DAY
    make(quiet.admin, name="Brief", expires_at=ends.isoformat())
    tend(quiet)
    assert letters(delivered, quiet.admin.user.email) == []
    with time_machine.travel(ends - DAY, tick=False):
        tend(quiet)
        assert letters(delivered, quiet.admin.user.email) == ["The API key Brief ends within a day"]


def test_of_keys_that_open_nothing_nobody_hears(quiet, delivered):
    revoked, _ = make(quiet.admin, name="Revoked")
    orphan, _ = make(quiet.accountant.organization.admin, name="Orphan")
    quiet.owner.delete(f"api-keys/{revoked.json()['id']}")
    with bind(quiet.id):
        ApiKey.objects.filter(pk=orphan.json()["id"]).update(creator=quiet.clerk.user)
    quiet.clerk.user.is_active = False
    quiet.clerk.user.save()
    with time_machine.travel(timezone.now() + 80 * DAY, tick=False):
        tend(quiet)
        assert letters(delivered, quiet.owner.user.email) == []


def test_the_owner_who_made_the_key_has_one_letter(quiet, delivered):
    answer, _ = make(quiet.owner, name="Import")
    with bind(quiet.id):
        ends = row(quiet, answer.json()["id"]).expires_at
        ApiKey.objects.filter(pk=answer.json()["id"]).update(last_used_at=ends - 14 * DAY)
    with time_machine.travel(ends - 13 * DAY, tick=False):
        tend(quiet)
        assert letters(delivered, quiet.owner.user.email) == ["The API key Import ends in 13 days"]


@pytest.mark.usefixtures("committed")
def test_of_several_workers_one_writes():
    acme = make_tenant("Acme")
    with bind(acme.id):
        ends = timezone.now() + 10 * DAY
        ApiKey.objects.update(expires_at=ends, created_at=ends - 90 * DAY, last_used_at=ends)

    def work(_):
        try:
            with transaction.atomic(), bind(acme.id):
                endings.warn_of_ends(timezone.now())
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    told = [call_of(entry).kwargs | {} for entry in entries() if entry.name.endswith("deliver")]
    assert len(told) == 1 + 4 * 2  # the owner's own key; four others, to maker and owner


@pytest.mark.practice("AUTHN-19")
def test_what_nobody_has_used_for_45_days_is_revoked_and_its_people_are_told(quiet, delivered):
    never, _ = make(quiet.admin, name="Never used")
    once, caller = make(quiet.admin, name="Used once", scopes=["customers:read"])
    bait, _ = make(quiet.admin, name="Bait", honeytoken=True)
    start = timezone.now()
    with time_machine.travel(start + 10 * DAY, tick=False):
        assert caller.get("customers").status_code == 200
    with time_machine.travel(start + 44 * DAY, tick=False):
        tend(quiet)
        assert row(quiet, never.json()["id"]).revoked_at is None
    with time_machine.travel(start + 46 * DAY, tick=False):
        for _ in range(2):
            tend(quiet)
        assert row(quiet, never.json()["id"]).revoked_at is not None
        assert row(quiet, once.json()["id"]).revoked_at is None
        assert caller.get("customers").status_code == 200
        [event] = quiet.owner.get("audit-events?event=api-key.revoked").json()["results"]
        assert event["object"]["id"] == never.json()["id"]
        assert event["data"] == {"why": "not used for 45 days"}
        assert event["principal"] == {"kind": "system", "id": None}
        subject = "The API key Never used was not used and has been revoked"
        for member in (quiet.admin, quiet.owner):
            assert letters(delivered, member.user.email) == [subject]
    assert row(quiet, bait.json()["id"]).revoked_at is None
    with time_machine.travel(start + 95 * DAY, tick=False):
        tend(quiet)
    assert row(quiet, bait.json()["id"]).revoked_at is None


def test_one_organizations_keys_are_tended_for_it_alone(quiet, globex, delivered):
    make(quiet.admin, name="Import")
    with bind(globex.id):
        ApiKey.objects.update(expires_at=timezone.now() + 500 * DAY, last_used_at=timezone.now())
    with time_machine.travel(timezone.now() + 50 * DAY, tick=False):
        tend(quiet)
        told = {letter.to[0] for letter in delivered()}
    assert told == {quiet.admin.user.email, quiet.owner.user.email}


def test_it_is_done_four_times_a_day_in_each_organization():
    job = JOBS[tend_keys.module_path]
    assert (job.period, job.in_each_tenant) == (timedelta(hours=6), True)
