"""Over HTTP: limits move with the score, the trail says why, and the answer does not."""

import itertools
import secrets
import time
from io import StringIO
from uuid import uuid4

import pytest
import redis
from django.conf import settings as live
from django.core.management import CommandError, call_command
from django.test import RequestFactory

from config.settings.security import Rate
from saas.audit.models import AuditEntry
from saas.context import Principal, PrincipalKind
from saas.edge import networks as networks_seen
from saas.tenancy.binding import bind
from saas.throttling import limits
from saas.throttling.risk import conf, hearing, known, sharing
from saas.throttling.risk.scores import DAY, Event, Scores
from tests.saas.wire import refused, send, statements
from tests.structured import parse_list

pytestmark = [pytest.mark.core, pytest.mark.django_db, pytest.mark.practice("RATE-08")]

NOBODYS = f"fd{secrets.token_hex(1)}:{secrets.token_hex(2)}:{secrets.token_hex(2)}"
networks = (f"{NOBODYS}:{n:x}::1" for n in itertools.count(1))  # none of them is used twice
with_redis = pytest.mark.skipif(not live.REDIS_URL, reason="SQLite runs without a Redis")


@pytest.fixture(autouse=True)
def nothing_heard(monkeypatch):
    """No test hears of another's principals, whose organization is gone."""
    monkeypatch.setattr(hearing, "scores", Scores())
    monkeypatch.setattr(hearing, "known", known.KnownCredentials())
    monkeypatch.setattr(sharing, "STREAM", f"risk:{uuid4()}")


@pytest.fixture
def rates(settings):
    """Set some limits; the others stay lifted."""

    def set_rates(**low):
        settings.RATES = settings.RATES | {name: Rate(most, 60) for name, most in low.items()}

    return set_rates


def jumped(member, times):
    """So much is held against a member's key."""
    for _ in range(times):
        event = Event(str(member.key.pk), str(member.organization.id), time.time(), "geo-jump", 40)
        hearing.scores.note(event)


def trusted(*members):
    """Their records have been clean for a month."""
    for member in members:
        hearing.scores.of(str(member.key.pk)).clean_since = time.time() - 30 * DAY


def served(member, count, address=None):
    """How many of so many equal requests are served."""
    address = address or next(networks)
    answers = [send("GET", key=member.secret, REMOTE_ADDR=address) for _ in range(count)]
    return sum(answer.status_code == 200 for answer in answers)


def policy(answer):
    """What each window allows."""
    return {name: of["q"] for name, of in parse_list(answer["RateLimit-Policy"])}


def test_an_attacker_is_at_a_tenth_and_nobody_else_is(acme, rates):
    rates(principal=20)
    jumped(acme.clerk, 3)
    assert (served(acme.clerk, 22), served(acme.owner, 22)) == (2, 20)


def test_who_was_slowed_down_goes_on_in_the_same_window(acme, rates):
    rates(principal=1000)  # by slots; a hundred would be counted hit by hit, and anew
    assert served(acme.clerk, 110) == 110
    jumped(acme.clerk, 3)
    assert served(acme.clerk, 3) == 0


def test_trust_never_widens_what_is_not_the_callers_own(acme, rates, settings):
    settings.IN_FLIGHT = Rate(6, 30)
    rates(principal=10, read=20, burst=30, organization=40, network=50)
    assert served(acme.owner, 1) == 1
    standing = hearing.scores.of(str(acme.owner.key.pk))
    standing.clean_since = 0.0
    answer = acme.owner.get("notes")
    assert policy(answer) == {
        "principal": 20,
        "read": 40,
        "burst": 60,
        "organization": 40,
        "concurrent-requests": 6,
    }
    window = limits._network_window(RequestFactory().get("/"))
    assert window.limit == 50


def test_whoever_joins_moves_limits_no_further_than_the_core_allows(acme, rates, monkeypatch):
    rates(principal=100)
    for asked, limit in ((0.0, 10), (0.5, 50), (9.0, 200)):
        monkeypatch.setattr(limits, "FACTORS", [lambda *_, factor=asked: factor, lambda *_: 9.0])
        assert policy(acme.owner.get("notes"))["principal"] == limit
    monkeypatch.setattr(limits, "FACTORS", [])
    assert policy(acme.owner.get("notes"))["principal"] == 100


def test_a_sweep_over_http_is_noticed_and_the_answer_says_nothing_of_it(acme, rates):
    for _ in range(80):
        answer = acme.clerk.get("notes/00000000-0000-7000-8000-000000000000")
        assert answer.status_code == 404
    assert hearing.scores.factor(str(acme.clerk.key.pk)) == 0.1
    rates(principal=10)
    assert acme.clerk.get("notes").status_code == 200
    document = refused(acme.clerk.get("notes"), 429, "rate-limited")
    for word in ("risk", "score", "sweep", "trust", "factor"):
        assert word not in str(document).lower()


def test_the_trail_says_once_that_limits_moved_and_why(acme):
    exchange = sharing.Exchange(hearing.scores, sharing.client())
    served(acme.clerk, 1)
    jumped(acme.clerk, 3)
    for _ in range(3):
        exchange.beat()
    another = Scores()  # another process, that came to the same
    another.of(str(acme.clerk.key.pk)).tenant = str(acme.id)
    another.note(Event(str(acme.clerk.key.pk), str(acme.id), time.time(), "geo-jump", 99))
    if live.REDIS_URL:
        sharing.Exchange(another, sharing.client()).beat()
    exchange.beat()  # it hears of that, and has nothing to add
    hearing.scores.all[str(acme.clerk.key.pk)].at -= 20 * conf.RISK.half_life
    exchange.beat()
    with bind(acme.id):
        told = [entry.data for entry in AuditEntry.objects.filter(event="limits.moved")]
    who = {"principal": str(acme.clerk.key.pk), "reasons": ["geo-jump"]}
    assert sorted(told, key=lambda entry: entry["factor"]) == [
        who | {"factor": "0.1"},
        who | {"factor": "1.0"},
    ]


@with_redis
def test_a_process_that_is_behind_hears_before_it_speaks(acme):
    somebody, processes = str(acme.clerk.key.pk), (Scores(), Scores())
    for scores, points in zip(processes, (90, 30), strict=True):
        scores.of(somebody).tenant = str(acme.id)
        scores.note(Event(somebody, str(acme.id), time.time(), "sweep", points))
    for scores in processes:
        sharing.Exchange(scores, sharing.client()).beat()
    with bind(acme.id):
        told = [entry.data for entry in AuditEntry.objects.filter(event="limits.moved")]
    assert [entry["factor"] for entry in told] == ["0.1"]


@with_redis
def test_two_processes_come_to_the_same_score_within_two_beats():
    one, other = Scores(), Scores()
    ends = [sharing.Exchange(scores, sharing.client()) for scores in (one, other)]
    for end in ends:
        end.beat()  # what others left in the stream
    somebody = str(uuid4())
    now = time.time()
    one.note(Event(somebody, str(uuid4()), now, "geo-jump", 40))
    other.note(Event(somebody, str(uuid4()), now, "sweep", 30))
    one.note(Event(somebody, None, now, "tightened: x", 0, until=now + 60))
    for end in ends * 2:
        end.beat()
    assert [round(s.all[somebody].score_at(now)) for s in (one, other)] == [70, 70]
    assert one.all[somebody].held_until == other.all[somebody].held_until
    third = Scores()  # a process that starts later
    sharing.Exchange(third, sharing.client()).beat()
    assert round(third.all[somebody].score_at(now)) == 70


@with_redis
def test_a_clean_record_outlives_the_process(time_machine):
    somebody, start = str(uuid4()), 1_800_000_000
    time_machine.move_to(start, tick=False)
    for day, factor in ((0, 1.0), (6, 1.2), (12, 1.4), (18, 1.6), (24, 1.8), (30, 2.0)):
        time_machine.move_to(start + day * DAY, tick=False)
        scores = Scores()
        scores.of(somebody)
        scores.unknown.add(somebody)
        sharing.Exchange(scores, sharing.client()).beat()
        assert scores.factor(somebody) == pytest.approx(factor)


@with_redis
def test_a_beat_is_one_round_trip_and_without_the_store_nothing_is_lost(monkeypatch):
    scores = Scores()
    gone = redis.Redis.from_url("redis://127.0.0.1:1/0")
    exchange = sharing.Exchange(scores, gone)
    somebody = str(uuid4())
    scores.note(Event(somebody, None, 1.0, "geo-jump", 40))
    scores.unknown.add(somebody)
    with pytest.raises(redis.RedisError):
        exchange.beat()
    assert (len(scores.outgoing), scores.unknown) == (1, {somebody})
    exchange._client, trips = sharing.client(), []
    execute = redis.client.Pipeline.execute
    monkeypatch.setattr(
        redis.client.Pipeline, "execute", lambda pipe: trips.append(1) or execute(pipe)
    )
    exchange.beat()
    assert (len(scores.outgoing), scores.unknown, len(trips)) == (0, set(), 1)


@with_redis
def test_the_command_tells_score_reasons_and_factor(acme):
    jumped(acme.clerk, 3)
    sharing.Exchange(hearing.scores, sharing.client()).beat()
    out = StringIO()
    call_command("risk", str(acme.clerk.key.pk), stdout=out)
    text = out.getvalue()
    assert "score 100 of 100" in text
    assert "limits times 0.1\n" in text
    assert "geo-jump  3 times, 120 points" in text
    out = StringIO()
    call_command("risk", str(uuid4()), stdout=out)
    assert out.getvalue().startswith("score 0 of 100")


def test_without_redis_the_command_says_that_it_cannot_know(monkeypatch):
    monkeypatch.setattr("saas.throttling.risk.management.commands.risk.recalled", lambda _: None)
    with pytest.raises(CommandError, match="Without Redis"):
        call_command("risk", str(uuid4()))


@pytest.mark.practice("RATE-12")
def test_behind_one_address_a_partner_is_served_while_strangers_use_the_network_up(acme, rates):
    rates(network=10)
    address = next(networks)
    trusted(acme.owner, acme.viewer)
    assert (served(acme.owner, 1, address), served(acme.clerk, 1, address)) == (1, 1)
    strangers = [send("GET", key="guess", REMOTE_ADDR=address).status_code for _ in range(20)]
    assert strangers == [401] * 8 + [429] * 12
    assert served(acme.owner, 30, address) == 30
    with statements() as sent:  # who was not proved lately gains nothing, be their key good or not
        assert served(acme.viewer, 3, address) == 0
        assert served(acme.clerk, 3, address) == 0  # nor who has no record yet
        assert send("GET", key="guess", REMOTE_ADDR=address).status_code == 429
    assert not sent


@pytest.mark.practice("RATE-12")
def test_who_passes_a_refused_network_is_counted_in_their_own_windows(acme, rates):
    rates(network=3, principal=8)
    address = next(networks)
    trusted(acme.owner)  # their own window is twice as wide
    assert served(acme.owner, 3, address) == 3
    assert send("GET", key="guess", REMOTE_ADDR=address).status_code == 429
    assert served(acme.owner, 20, address) == 13
    refusal = send("GET", key=acme.owner.secret, REMOTE_ADDR=address)
    assert refused(refusal, 429, "rate-limited")["violated-policies"] == ["principal"]


@pytest.mark.practice("RATE-12")
def test_who_does_harm_passes_no_refused_network_nor_who_left(acme, rates):
    rates(network=6)
    address = next(networks)
    trusted(acme.owner, acme.clerk)
    assert served(acme.owner, 3, address) + served(acme.clerk, 3, address) == 6
    assert send("GET", key="guess", REMOTE_ADDR=address).status_code == 429
    jumped(acme.clerk, 3)
    assert (served(acme.clerk, 3, address), served(acme.owner, 3, address)) == (0, 3)
    with bind(acme.id):
        acme.owner.key.delete()
    answers = [send("GET", key=acme.owner.secret, REMOTE_ADDR=address) for _ in range(40)]
    assert {answer.status_code for answer in answers} == {429}
    with statements() as sent:  # and soon not even a look
        assert served(acme.owner, 3, address) == 0
    assert not sent


def test_a_credential_is_remembered_for_a_while_in_bounded_memory_and_by_no_secret(monkeypatch):
    monkeypatch.setattr(conf, "RISK", conf.RISK._replace(most=3))
    credentials = known.KnownCredentials()
    requests = [RequestFactory().get("/", headers={"X-API-Key": f"key-{n}"}) for n in range(9)]
    for request in requests:
        id = uuid4()
        somebody = Principal(PrincipalKind.SERVICE, id, id, uuid4(), None, frozenset(), None)
        credentials.remember(request, somebody)
    assert [bool(credentials.principal_of(request)) for request in requests] == [False] * 6 + [
        True
    ] * 3
    assert len(credentials._by_id) == len(credentials._by_digest) == 3
    assert b"key-" not in b"".join(credentials._by_digest)
    monkeypatch.setattr(conf, "RISK", conf.RISK._replace(known=0.0))
    credentials.remember(requests[0], somebody)
    assert credentials.principal_of(requests[0]) is None
    assert credentials.principal_of(RequestFactory().get("/")) is None


def test_the_hooks_cost_nothing_where_nobody_joined(acme, monkeypatch):
    monkeypatch.setattr(limits, "FACTORS", [])
    monkeypatch.setattr(networks_seen, "PASSES", [])
    assert served(acme.owner, 1) == 1
    assert not networks_seen.passes(RequestFactory().get("/"))
