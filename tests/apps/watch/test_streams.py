"""Nothing rings in a day in which nothing is wrong, and every attack that hides in it rings (R-27)."""

import pytest

from saas.watch.detectors import detectors
from saas.watch.feed import Watch
from saas.watch.lines import network, seconds_of
from saas.watch.tallies import MemoryTallies
from tests.apps.watch.streams import VARIANTS, Town, in_order
from tests.cast import make_tenant

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


@pytest.fixture
def played(found):
    """What was found in a day, after the weeks in which the watch learned what is usual."""

    def playing(weeks, day):
        now = [0.0]
        watch = Watch(store=MemoryTallies(lambda: now[0]), live=False, tell=found.append)
        for lines in (in_order(weeks), in_order(day)):
            found.clear()
            for at in range(0, len(lines), 500):
                now[0] = seconds_of(lines[at]["ts"])
                for line in lines[at : at + 500]:
                    watch(line)
                watch.drain(replayed=True)
        return found

    return playing


def rung(found):
    """What was found of whom."""
    return [(one.detector.kind, one.subject.name) for one in found]


def names(attack):
    """Whom a finding of this attack may be about."""
    ips = {line["ip"] for line in [*attack.lines, *attack.before]}
    return {attack.scene.principal, *(network(ip) for ip in ips)}


@towns
def test_a_day_in_which_nothing_is_wrong_is_silent(seed, offices, town, played):
    weeks, day = town(seed, offices).benign()
    assert 20_000 <= len(day) <= 50_000 or offices == 1
    assert rung(played(weeks, day)) == []


@towns
def test_each_attack_rings_inside_that_day_and_nobody_else_does(seed, offices, town, played):
    here = town(seed, offices)
    attacks = list(here.attacks(str(make_tenant("Hooli").id)))
    weeks, day = here.benign()
    for attack in attacks:
        weeks += attack.before
        day += attack.lines
    found = played(weeks, day)
    heard = set(rung(found))
    missed = [(a.kind, a.name) for a in attacks if not {(a.kind, n) for n in names(a)} & heard]
    assert missed == []
    known = set().union(*map(names, attacks))
    assert rung(one for one in found if one.subject.name not in known) == []


def test_every_kind_has_a_slow_or_a_spread_form_or_is_one_line():
    alone = {"network.surged", "payload.unusual", "sign-ins.failed", "behaviour.departed"}
    assert detectors().keys() == VARIANTS.keys() | alone
