"""A trusted partner and an attacker behind one address, over HTTP and several processes."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import call_command

from apps.customers.access import Customers
from saas.audit.models import AuditEntry
from saas.tenancy.binding import bind
from tests.attacks.floods import Caller
from tests.cast import make_tenant
from tests.conformance.server import serving

pytestmark = [pytest.mark.practice("RATE-08"), pytest.mark.practice("RATE-12")]

SECONDS, LIMIT, NETWORK = 2, 100, 700
NOBODYS = "customers/00000000-0000-7000-8000-000000000000"


def asked(address, secret, count, path="me", pause=0.0):
    """What so many requests are answered, each on a connection of its own: so they reach every
    process.
    """
    statuses = []
    for _ in range(count):
        statuses.append(Caller(address, secret).ask("GET", path).status)
        time.sleep(pause)
    return statuses


def test_the_partner_is_served_in_full_and_the_attacker_gets_a_tenth(committed, tmp_path):
    partner = make_tenant("Acme").owner
    mallory = make_tenant("Globex").owner.with_scopes(Customers.READ)
    variables = {
        "DJANGO_SETTINGS_MODULE": "tests.saas.throttling.risk.settings",
        "FLOOD_PATIENCE": "2",
        "FLOOD_RATES": json.dumps(
            {"principal": (LIMIT, SECONDS), "network": (NETWORK, 3671)}
        ),  # no other test counts our address in such a window,
    }
    with (
        serving(tmp_path / "log", workers=2, **variables) as address,
        ThreadPoolExecutor(3) as pool,
    ):
        call_command("risk", str(partner.key.pk), "--trust", "--by", "Ada")
        assert asked(address, partner.secret, 20) == [200] * 20
        for _ in range(4):  # she is slowed down on her way already
            assert set(asked(address, mallory.secret, 60, NOBODYS)) <= {404, 429}
            time.sleep(SECONDS)  # her window is empty again, and the processes agree
            allowed = Caller(address, mallory.secret).ask().headers["ratelimit-policy"]
            if allowed.startswith(f'"principal";q={LIMIT // 10};'):
                break
        time.sleep(SECONDS)

        began = time.monotonic()
        served = pool.submit(asked, address, partner.secret, 50, pause=0.01)
        attack = asked(address, mallory.secret, LIMIT)
        windows = 1 + int((time.monotonic() - began) / SECONDS)
        assert served.result() == [200] * 50
        assert LIMIT / 10 <= attack.count(200) <= LIMIT / 10 * windows

        guesses = NETWORK
        while guesses and Caller(address, "sr_live_guess").ask().status == 401:
            guesses -= 1
        assert guesses  # now the network is used up
        served = pool.submit(asked, address, partner.secret, 50, pause=0.01)
        more = [pool.submit(asked, address, s, 50) for s in (mallory.secret, "sr_live_guess")]
        assert served.result() == [200] * 50
        assert [set(statuses.result()) for statuses in more] == [{429}, {429}]
    with bind(mallory.organization.id):
        told = [entry.data for entry in AuditEntry.objects.filter(event="limits.moved")]
    assert [entry["reasons"] for entry in told if entry["factor"] == "0.1"] == [["sweep"]]
    assert {entry["principal"] for entry in told} == {str(mallory.key.pk)}
