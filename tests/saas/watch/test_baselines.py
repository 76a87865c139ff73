"""What is usual, by arithmetic that can be checked by hand."""

import json
import statistics
from datetime import UTC, datetime, timedelta
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import call_command
from django.utils import timezone

from saas.tenancy.binding import bind
from saas.watch import baselines, tasks
from saas.watch.baselines import MEMORY, Usual, hour_of_week, learn, usual
from saas.watch.detectors.behaviour import MOST, departed
from saas.watch.models import Profile

pytestmark = [pytest.mark.core, pytest.mark.practice("LOG-12")]

MONDAY = int(datetime(2026, 11, 23, tzinfo=UTC).timestamp() // 3600)


def after(*samples):
    """The running figures after these samples."""
    found = Usual()
    for sample in samples:
        found = found.with_(sample)
    return found


@pytest.mark.parametrize("samples", [(3,), (5, 5), (1, 2, 3, 4), (100, 0, 7, 31, 900, 2, 2, 5)])
def test_mean_and_deviation_are_those_of_the_textbook(samples):
    found = after(*samples)
    assert found.mean == pytest.approx(statistics.mean(samples))
    expected = statistics.stdev(samples) if len(samples) > 1 else 0.0
    assert found.deviation == pytest.approx(expected)


def test_beyond_its_memory_the_old_fades():
    found = after(*[10] * 50, *[90] * 30)
    assert found.weeks == MEMORY
    assert found.mean == pytest.approx(90, abs=2)
    assert found.deviation < 20


def test_z_counts_deviations_and_takes_none_for_too_small():
    assert after(90, 100, 110).z(130) == pytest.approx(3.0)  # the root of 100 is 10 too
    assert after(100, 100, 100).z(160) == pytest.approx(6.0)
    assert after(0, 0, 0).z(6) == 6.0
    assert after(10_000, 10_000, 10_000).z(12_000) == pytest.approx(2.0)


def test_a_week_has_168_hours_and_begins_on_monday():
    assert [hour_of_week(MONDAY + n) for n in (0, 1, 167, 168)] == [0, 1, 167, 0]


def weeks(tenant, principal, *counts):
    """One hour of as many weeks, each with so many requests."""
    for back, count in enumerate(counts):
        learn(str(tenant), str(principal), MONDAY - 168 * (back + 1), {"requests": count})


def test_a_principal_is_held_against_itself_then_the_organization_then_a_fixed_figure(acme):
    old, new = acme.clerk.key.pk, acme.viewer.key.pk
    tenant = str(acme.id)
    nothing = (tenant, str(new), MONDAY + 1)
    assert usual(*nothing) == {}
    assert not departed(nothing, {"requests": MOST["requests"] - 1})
    assert departed(nothing, {"requests": MOST["requests"]})
    weeks(acme.id, old, 500, 520, 480, 500)
    weeks(acme.id, acme.owner.key.pk, 10, 10, 10, 10)
    for peer in range(3):
        weeks(acme.id, UUID(int=peer), 400, 420, 380)
    assert usual(tenant, str(old), MONDAY)["requests"].mean == pytest.approx(500)
    assert not departed((tenant, str(old), MONDAY), {"requests": 600})
    assert departed((tenant, str(old), MONDAY), {"requests": 900})
    of_house = usual(tenant, str(new), MONDAY)["requests"]
    assert 10 < of_house.mean < 500
    assert departed((tenant, str(acme.owner.key.pk), MONDAY), {"requests": 150})
    assert not departed((tenant, str(acme.owner.key.pk), MONDAY), {"requests": 20})


def test_what_a_few_callers_do_is_no_habit_of_their_organization(acme):
    for peer in range(baselines.PEERS):
        usual.cache_clear()
        assert usual(str(acme.id), str(acme.viewer.key.pk), MONDAY) == {}
        weeks(acme.id, UUID(int=peer), 5, 5, 5)
    usual.cache_clear()
    assert usual(str(acme.id), str(acme.viewer.key.pk), MONDAY)["requests"].mean == 5


def test_a_profile_is_the_tenants_and_holds_numbers_alone(acme, globex):
    weeks(acme.id, acme.clerk.key.pk, 5, 6, 7)
    with bind(globex.id):
        assert not Profile.objects.exists()
    with bind(acme.id):
        for row in Profile.objects.all():
            assert row.measures.keys() == set(baselines.MEASURES)
            for numbers in row.measures.values():
                assert all(isinstance(number, int | float) for number in numbers)


def test_a_profile_is_exported_and_forgotten_after_a_month(acme):
    weeks(acme.id, acme.clerk.key.pk, 5, 6, 7)
    said = StringIO()
    call_command("watch_profile", str(acme.clerk.key.pk), stdout=said)
    [hour] = json.loads(said.getvalue())[str(acme.id)]
    assert hour["hour_of_week"] == 0
    assert hour["requests"] == {"weeks": 3, "mean": 6.0, "deviation": 1.0}
    with bind(acme.id):
        tasks.forget_profiles.func()
        assert Profile.objects.count() == 2
        Profile.objects.update(updated_at=timezone.now() - timedelta(days=31))
        tasks.forget_profiles.func()
        assert not Profile.objects.exists()
