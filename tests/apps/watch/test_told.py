"""A planted attack goes all the way: over HTTP to a real server, and to the people whom it concerns."""

import time

import pytest
import requests
from django.core.management import call_command

from apps.integrations.models import OAuthGrant
from apps.organizations.models import SecurityPolicy
from config.settings.security import Rate
from saas.edge import log
from saas.tenancy.binding import bind
from saas.watch.detectors import detectors
from saas.watch.feed import Watch
from saas.watch.findings import Finding, report
from saas.watch.lines import Subject
from saas.watch.tallies import MemoryTallies
from tests.cast import make_tenant
from tests.live import served
from tests.oauth import make_client, tokens_for

READ = "customers:read"


@pytest.fixture
def acme(committed):
    """In a database of its own: the watch has a thread and a connection of its own."""
    return make_tenant("Acme")


@pytest.mark.practice("LOG-07")
@pytest.mark.practice("LOG-11")
def test_over_http_the_alert_is_there_within_ten_seconds(acme, settings, monkeypatch):
    settings.RATES = {name: Rate(100_000, 60) for name in settings.RATES}
    settings.RACE_WINDOW *= 0
    monkeypatch.setattr(log, "LISTENERS", [Watch(store=MemoryTallies())])
    app = make_client(acme, READ)
    with served(settings) as origin:
        pair = tokens_for(acme.clerk, READ, client=app)
        for _ in range(8):
            form = {
                "grant_type": "refresh_token",
                "client_id": app.client_id,
                "refresh_token": pair["refresh_token"],
            }
            answer = requests.post(f"{origin}/oauth/token", data=form, timeout=10)
            assert answer.status_code == 200, answer.text
            pair = answer.json()
        ended = time.monotonic()
        kinds = set()
        while "tokens.refreshed-rapidly" not in kinds:
            assert time.monotonic() - ended < 10
            time.sleep(0.2)
            key = {"X-API-Key": acme.owner.secret}
            heard = requests.get(f"{origin}/api/v1/alerts", headers=key, timeout=10).json()
            kinds = {row["kind"] for row in heard["results"]}
    [row] = [row for row in heard["results"] if row["kind"] == "tokens.refreshed-rapidly"]
    grant = OAuthGrant.objects.get()
    assert row["subject"] == {"type": "family", "id": str(grant.pk)}
    assert row["playbook"].endswith("/docs/playbooks/rapid-refresh")


def found(kind, subject):
    """A finding of this kind."""
    return Finding(detectors()[kind], subject, 7, ["request"], (subject.tenant,))


@pytest.mark.practice("LOG-11")
def test_a_family_ends_where_the_organization_allows_it_and_no_other(acme):
    families = [tokens_for(acme.clerk, READ) for _ in range(2)]
    assert len(families) == 2
    first, second = OAuthGrant.objects.order_by("created")
    subject = Subject("family", str(first.pk), str(acme.id))
    report(found("tokens.refreshed-rapidly", subject))
    first.refresh_from_db()
    assert first.ended_at is None  # the policy says: notify
    with bind(acme.id):
        SecurityPolicy.objects.update_or_create(defaults={"switches": {"watch_response": "revoke"}})
    report(found("tokens.refreshed-rapidly", subject))
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.ended_at is None, second.ended_at is None) == (False, True)


@pytest.mark.practice("LOG-10")
def test_a_person_is_written_to_about_a_new_country_and_a_keys_maker_is_not(acme, delivered):
    clerk = acme.clerk
    report(found("country.first-seen", Subject("principal", str(clerk.key.pk), str(acme.id))))
    assert delivered(clerk.user.email) == []
    report(found("country.first-seen", Subject("principal", str(clerk.user.pk), str(acme.id))))
    [letter] = delivered(clerk.user.email)
    assert "a country" in letter.body


@pytest.mark.django_db
@pytest.mark.parametrize("kind", sorted(detectors()))
def test_each_kind_can_be_planted_in_the_demo(kind, settings):
    from apps.operations.demo import load

    settings.SAAS_DEMO = True
    settings.RATES = {name: Rate(100_000, 60) for name in settings.RATES}
    load()
    call_command("simulate", kind)
