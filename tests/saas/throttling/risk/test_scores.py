"""What raises a score, what lowers it, and what follows from it."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from saas.alerts import Severity, alert, tightened
from saas.throttling.risk import checks, conf, hearing, rules
from saas.throttling.risk.scores import DAY, NETWORKS, REASONS, Event, Scores

pytestmark = [pytest.mark.core, pytest.mark.practice("RATE-08")]

NOW = 1_800_000_000.0


def line(principal, at=NOW, **more):
    """A line of the access log, as far as the rules read it."""
    ts = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    usual = {"status": 200, "events": [], "ip": "198.51.100.7", "org": str(uuid4())}
    return usual | {"principal": principal, "ts": ts.replace("+00:00", "Z")} | more


@pytest.fixture
def scores():
    return Scores()


def standing_after(scores, *lines):
    """The standing of one principal after these lines."""
    principal = str(uuid4())
    for more in lines:
        scores.hear(line(principal, **more))
    return scores.all[principal]


def test_each_rule_speaks_beyond_what_is_free_and_up_to_where_it_may(scores):
    examples = {
        "refused": {"status": 403},
        "sweep": {"status": 404},
        "refresh-loop": {"events": ["token.refreshed"]},
        "geo-jump": {"events": ["location.jumped"]},
    }
    for rule in rules.RULES:
        if rule.name not in examples:
            continue
        example = examples[rule.name]
        free = standing_after(scores, {}, *[example] * rule.free)
        assert (free.score, list(free.reasons)) == (0, []), rule.name
        more = standing_after(scores, *[example] * (rule.free + 1))
        assert (more.score, [r.rule for r in more.reasons]) == (rule.points, [rule.name])
        worst = standing_after(scores, *[example] * 500)
        assert rule.up_to - rule.points <= worst.score <= rule.up_to
    assert {*examples, "new-network"} == {rule.name for rule in rules.RULES}


def test_a_new_network_costs_trust_and_never_moves_a_limit_alone(scores):
    places = [{"ip": f"203.0.113.{n}"} for n in range(50)]
    assert standing_after(scores, *places[:1] * 9).score == 0  # of the first nobody can say
    assert standing_after(scores, *places[:2] * 9).score == 10
    worst = standing_after(scores, *places)
    assert worst.score <= 20
    assert worst.slowed_at(NOW) == 1.0
    assert len(worst.networks) == NETWORKS
    one = [{"ip": f"2001:db8::{n:x}"} for n in range(9)]  # one customer has a /64
    assert standing_after(scores, *one).score == 0


def test_an_ordinary_client_gains_no_point(scores):
    day = [{"at": NOW + 10 * n, "status": [200, 201, 404][n % 3]} for n in range(8640)]
    day += [{"at": NOW + DAY + 60 * n, "status": 403} for n in range(60)]
    assert standing_after(scores, *day).reasons == type(scores.outgoing)()


def test_who_sweeps_is_at_a_tenth_and_comes_back_by_themselves(scores):
    standing = standing_after(scores, *[{"status": 404}] * 100)
    assert standing.factor_at(NOW) == 0.1
    half = conf.RISK.half_life
    factors = [standing.factor_at(NOW + n * half) for n in (0, 0.5, 1.2, 2.2, 20)]
    assert factors == [0.1, 0.25, 0.5, 1.0, 1.0]


def test_trust_grows_with_a_clean_record_up_to_double_and_ends_with_a_point(scores):
    standing = standing_after(scores, {})
    assert standing.factor_at(NOW) == 1.0  # nobody has said since when
    standing.clean_since = NOW
    days = [standing.factor_at(NOW + days * DAY) for days in (0, 2.9, 3, 15, 30, 300)]
    assert days == [1.0, 1.0, 1.1, 1.5, 2.0, 2.0]
    later = NOW + 300 * DAY
    [principal] = scores.all
    scores.hear(line(principal, later, events=["location.jumped"]))
    assert standing.factor_at(later) == 0.5
    assert standing.factor_at(later + DAY) == 1.0


def test_an_event_that_is_late_or_repeated_raises_no_more_than_it_should(scores):
    half = conf.RISK.half_life
    scores.apply(Event("p", None, NOW, "geo-jump", 40))
    scores.apply(Event("p", None, NOW - half, "geo-jump", 40))
    assert scores.all["p"].score_at(NOW) == pytest.approx(60)
    for _ in range(3):
        scores.apply(Event("q", None, NOW, "new-network", 10, 20, "203.0.113.9"))
    assert scores.all["q"].score_at(NOW) == 10
    assert scores.all["p"].score_at(NOW - 100 * half) <= 100  # a clock that was set back


def test_memory_does_not_follow_the_number_of_principals(scores, monkeypatch):
    monkeypatch.setattr(conf, "RISK", conf.RISK._replace(most=10))
    for number in range(1000):
        scores.hear(line(str(number), ip=f"203.0.113.{number % 250}", status=404))
        scores.note(Event(str(number), None, NOW, "geo-jump", 40))
    assert len(scores.all) == 10
    assert scores.stirred <= set(scores.all)
    assert scores.unknown <= set(scores.all)
    assert len(scores.outgoing) <= 1000
    standing = standing_after(
        scores, *[{"at": NOW + 61 * n, "events": ["location.jumped"]} for n in range(99)]
    )
    assert len(standing.reasons) == REASONS


def test_what_proved_nothing_has_no_score(scores):
    scores.hear(line(None, status=401))
    assert not scores.all


@pytest.mark.parametrize(
    ("severity", "factor"), [(Severity.HIGH, 0.25), (Severity.MEDIUM, 0.5), (Severity.LOW, 1.0)]
)
def test_an_alert_about_a_principal_speaks_against_it(acme, severity, factor):
    alert(acme.id, "key.used-elsewhere", "Somewhere else.", row=acme.owner.key, severity=severity)
    assert hearing.scores.factor(str(acme.owner.key.pk)) == factor
    assert hearing.scores.factor(str(acme.viewer.key.pk)) == 1.0


def test_whoever_asks_for_it_has_a_principal_at_a_tenth_for_so_long(time_machine):
    time_machine.move_to(NOW, tick=False)
    somebody = uuid4()
    tightened.send(sender=None, principal_id=somebody, seconds=300, reason="detector")
    assert hearing.scores.factor(str(somebody)) == 0.1
    time_machine.shift(299)
    assert hearing.scores.factor(str(somebody)) == 0.1
    time_machine.shift(2)
    assert hearing.scores.factor(str(somebody)) == 1.0


def test_e034_a_knob_that_is_off(monkeypatch):
    assert checks.risk_is_bounded() == []
    monkeypatch.setattr(conf, "RISK", conf.RISK._replace(half_life=0, most=0))
    assert [found.id for found in checks.risk_is_bounded()] == ["saas.E034"] * 2
