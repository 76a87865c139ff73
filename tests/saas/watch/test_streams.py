"""Nothing rings in a day in which nothing is wrong, and every attack that hides in it rings (R-27)."""

import pytest

from saas.watch.detectors import detectors
from saas.watch.lines import network
from saas.watch.tallies import MemoryTallies
from tests.cast import make_tenant
from tests.saas.watch.streams import VARIANTS, Town, in_order

pytestmark = [
    pytest.mark.practice("LOG-05"),
    pytest.mark.practice("LOG-06"),
    pytest.mark.practice("LOG-07"),
    pytest.mark.practice("LOG-08"),
    pytest.mark.practice("LOG-09"),
    pytest.mark.practice("LOG-10"),
    pytest.mark.practice("LOG-11"),
]
LONG = [pytest.param(seed, 3, marks=pytest.mark.drill) for seed in range(2, 12)]
towns = pytest.mark.parametrize(("seed", "offices"), [(1, 1), *LONG])


@pytest.fixture
def town(db):
    """A function that gives some organizations and their day."""

    def made(seed, offices):
        here = ("Acme", "Globex", "Initech")[:offices]
        return Town(seed, [str(make_tenant(name).id) for name in here])

    return made


def rung(found):
    """What was found of whom."""
    return [(one.detector.kind, one.subject.name) for one in found]


def names(attack):
    """Whom a finding of this attack may be about."""
    ips = {line["ip"] for line in [*attack.lines, *attack.before]}
    return {attack.scene.principal, *(network(ip) for ip in ips)}


@towns
def test_a_day_in_which_nothing_is_wrong_is_silent(seed, offices, town, watching):
    weeks, day = town(seed, offices).benign()
    assert 20_000 <= len(day) <= 50_000 or offices == 1
    assert rung(watching(weeks + day, store=MemoryTallies())) == []


@towns
def test_each_attack_rings_inside_that_day_and_nobody_else_does(seed, offices, town, watching):
    here = town(seed, offices)
    attacks = list(here.attacks())
    weeks, day = here.benign()
    for attack in attacks:
        weeks += attack.before
        day += attack.lines
    found = watching(in_order(weeks) + in_order(day), store=MemoryTallies())
    heard = set(rung(found))
    missed = [(a.kind, a.name) for a in attacks if not {(a.kind, n) for n in names(a)} & heard]
    assert missed == []
    known = set().union(*map(names, attacks))
    assert rung(one for one in found if one.subject.name not in known) == []


def test_every_kind_has_a_slow_or_a_spread_form_or_is_one_line():
    alone = {"network.surged", "payload.unusual", "sign-ins.failed", "behaviour.departed"}
    assert detectors().keys() == VARIANTS.keys() | alone
