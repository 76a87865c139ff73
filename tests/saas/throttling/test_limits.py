"""A principal, a network and an operation each have windows, and the strictest one wins."""

import itertools
import re
import secrets
from contextlib import contextmanager
from uuid import uuid4

import pytest
from django.db import DatabaseError
from django.test import RequestFactory
from django_ratelimit.core import _get_window, get_usage

from config.settings.security import Rate
from saas import counters
from saas.context import Principal, PrincipalKind
from saas.counters.memory import MemoryCounters
from saas.edge import networks as networks_seen
from saas.errors import Problem
from saas.throttling import limits
from tests.saas.wire import NOTES, refused, send, statements
from tests.structured import parse_list
from tests.toy.views import NoteViewSet

pytestmark = [pytest.mark.core, pytest.mark.django_db, pytest.mark.practice("RATE-02")]

NOBODYS = f"fd{secrets.token_hex(1)}:{secrets.token_hex(2)}:{secrets.token_hex(2)}"
networks = (f"{NOBODYS}:{n:x}::1" for n in itertools.count(1))  # none of them is used twice


@pytest.fixture
def rates(settings):
    """Set some limits; the others stay lifted."""

    def set_rates(**low):
        named = {name.replace("_", "-"): Rate(limit, 60) for name, limit in low.items()}
        settings.RATES = settings.RATES | named

    return set_rates


def statuses(count, **request):
    """What some equal requests are answered."""
    request.setdefault("REMOTE_ADDR", next(networks))
    return [send("GET", **request).status_code for _ in range(count)]


@pytest.mark.practice("RATE-03")
def test_over_the_limit_the_answer_says_how_long_to_wait_and_which_policy_it_was(acme, rates):
    rates(principal=2)
    assert statuses(2, key=acme.owner.secret) == [200, 200]
    answer = send("GET", key=acme.owner.secret, REMOTE_ADDR=next(networks))
    document = refused(answer, 429, "rate-limited")
    assert document["violated-policies"] == ["principal"]
    assert answer["RateLimit-Policy"] == '"principal";q=2;w=60'
    ((left, wait),) = re.findall(r'^"principal";r=(\d+);t=(\d+)$', answer["RateLimit"])
    assert left == "0"
    assert 55 <= int(wait) <= int(answer["Retry-After"]) <= 62


class Clock:
    """A clock that a test turns."""

    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    """The counters of one process with a clock of the test; Redis reads its own."""
    clock, store = Clock(), None
    store = MemoryCounters(clock)
    monkeypatch.setattr(counters, "shared", lambda: store)
    return clock


def principal():
    """Somebody new."""
    id = uuid4()
    return Principal(PrincipalKind.SERVICE, id, id, uuid4(), None, frozenset(), None)


@pytest.mark.practice("RATE-03")
@pytest.mark.parametrize("limit", [3, 20, 150])
def test_who_sleeps_as_long_as_told_is_served_a_thousand_times_of_a_thousand(clock, rates, limit):
    rates(principal=limit)
    somebody, request = principal(), RequestFactory().get("/", REMOTE_ADDR=next(networks))
    trials = 0
    while trials < 1000:
        clock.now += secrets.randbelow(1000) / 1000 * 20 / limit
        try:
            limits.count(request, somebody, "read").leave()
        except Problem as problem:
            seconds, (state,) = (
                problem.headers["Retry-After"],
                parse_list(problem.headers["RateLimit"]),
            )
            assert state[1]["t"] <= int(seconds)
            clock.now += int(seconds)
            limits.count(request, somebody, "read").leave()  # raises where the answer was not true
            trials += 1


def test_who_goes_on_hammering_is_let_in_as_often_as_who_waits_and_no_oftener(clock, rates):
    rates(principal=10)
    somebody, request = principal(), RequestFactory().get("/", REMOTE_ADDR=next(networks))
    served = []
    while clock.now < 1000 + 600:
        try:
            limits.count(request, somebody, "read").leave()
            served.append(clock.now)
        except Problem:
            pass
        clock.now += 0.25
    assert all(later - earlier >= 60 for earlier, later in zip(served, served[10:], strict=False))
    assert len(served) == 100


@pytest.mark.practice("RATE-04")
def test_where_a_fixed_window_lets_twice_the_limit_through_ours_does_not(
    clock, rates, settings, time_machine
):
    """The same arrivals at django-ratelimit, which this project uses where that is good enough."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    rates(principal=10)
    somebody, request = principal(), RequestFactory().get("/", REMOTE_ADDR=next(networks))
    fixed = ours = 0
    for second in [60] * 20 + [61] * 20:
        time_machine.move_to(1_800_000_000 + second + edge_of(somebody), tick=False)
        clock.now = 1000 + second
        usage = get_usage(
            request, group="test", key=lambda *_: str(somebody.id), rate="10/m", increment=True
        )
        fixed += not usage["should_limit"]
        try:
            limits.count(request, somebody, "read").leave()
            ours += 1
        except Problem:
            pass
    assert (fixed, ours) == (20, 10)


def edge_of(somebody):
    """The second of a minute at which django-ratelimit ends this caller's window."""
    return _get_window(str(somebody.id), 60) % 60


@pytest.mark.practice("RATE-06")
@pytest.mark.practice("X-25")
def test_every_answer_says_how_much_is_left_and_nothing_of_the_network(acme, rates, settings):
    rates(principal=9, read=8, burst=7, organization=30)
    settings.IN_FLIGHT = Rate(6, 30)
    answer = send("GET", key=acme.owner.secret, REMOTE_ADDR=next(networks))
    assert parse_list(answer["RateLimit-Policy"]) == [
        ("principal", {"q": 9, "w": 60}),
        ("read", {"q": 8, "w": 60}),
        ("burst", {"q": 7, "w": 60}),
        ("organization", {"q": 30, "w": 60}),
        ("concurrent-requests", {"q": 6, "qu": "concurrent-requests"}),
    ]
    assert parse_list(answer["RateLimit"]) == [
        ("principal", {"r": 8, "t": 0}),
        ("read", {"r": 7, "t": 0}),
        ("burst", {"r": 6, "t": 0}),
        ("organization", {"r": 29, "t": 0}),
        ("concurrent-requests", {"r": 5, "t": 0}),
    ]
    assert str(acme.owner.key.pk) not in str(answer.headers)


@pytest.mark.practice("X-25")
def test_every_answer_to_a_known_caller_has_both_fields_and_no_strangers_has(acme, monkeypatch):
    def broken(self):
        raise RuntimeError("a fault of ours")

    known = [
        acme.owner.get("notes"),
        acme.owner.post("notes", {"title": "x"}),
        acme.owner.post("notes", b"{nonsense"),
        acme.owner.get("notes/00000000-0000-7000-8000-000000000000"),
        acme.viewer.post("notes", {"title": "x"}),
        acme.owner.with_scopes().get("notes"),
    ]
    with monkeypatch.context() as patch:
        patch.setattr(NoteViewSet, "close", broken)  # what goes wrong when all is over
        known.append(acme.owner.get("notes"))
    assert [a.status_code for a in known] == [200, 201, 400, 404, 403, 403, 500]
    for answer in known:
        names = [name for name, _ in parse_list(answer["RateLimit-Policy"])]
        assert [name for name, _ in parse_list(answer["RateLimit"])] == names
        assert len(names) == 5
    for answer in (send("GET"), send("GET", key="guess"), send("GET", "/api/v1/nothing"),
                   send("PUT", key=acme.owner.secret)):  # fmt: skip
        assert not [name for name in answer.headers if name.lower().startswith("ratelimit")]


@pytest.fixture
def ten_places(settings):
    """The contract's ten in flight; every other limit stays lifted."""
    settings.IN_FLIGHT = Rate(10, 30)


@contextmanager
def in_flight(caller, count):
    """So many requests of a caller under way."""
    request = RequestFactory().get("/", REMOTE_ADDR=next(networks))
    key = caller.key.pk
    somebody = Principal(PrincipalKind.API_KEY, key, key, uuid4(), None, frozenset(), None)
    counted = [limits.count(request, somebody, "read") for _ in range(count)]
    yield
    for one in counted:
        one.leave()


@pytest.mark.practice("RATE-06")
def test_the_eleventh_request_at_once_is_refused_and_the_next_one_after_is_not(acme, ten_places):
    with in_flight(acme.owner, 10):
        answer = acme.owner.get("notes")
        assert refused(answer, 429, "rate-limited")["violated-policies"] == ["concurrent-requests"]
        assert parse_list(answer["RateLimit-Policy"]) == [
            ("concurrent-requests", {"q": 10, "qu": "concurrent-requests"})
        ]
        assert parse_list(answer["RateLimit"]) == [("concurrent-requests", {"r": 0, "t": 1})]
        assert answer["Retry-After"] in ("1", "2")
        assert acme.viewer.get("notes").status_code == 200  # somebody else has ten of their own
    assert acme.owner.get("notes").status_code == 200


@pytest.mark.practice("RATE-06")
def test_every_way_out_gives_the_place_back(acme, settings, monkeypatch):
    settings.IN_FLIGHT = Rate(1, 30)

    def broken(*args, **more):
        raise RuntimeError("a fault of ours")

    def lost(*args, **more):
        raise DatabaseError("gone")

    ways = [
        lambda: acme.owner.get("notes"),
        lambda: acme.owner.post("notes", {"title": "x"}),
        lambda: acme.owner.post("notes", b"{nonsense"),
        lambda: acme.owner.get("notes?nonsense=1"),
        lambda: acme.owner.get("notes/00000000-0000-7000-8000-000000000000"),
        lambda: acme.owner.post("notes/00000000-0000-7000-8000-000000000000/copies"),
        lambda: acme.owner.patch("notes/00000000-0000-7000-8000-000000000000", {"title": "x"}),
    ]
    for way in ways:
        assert way().status_code != 429
    for place, fault in (("rows", broken), ("rows", lost), ("close", broken), ("begin", None)):
        with monkeypatch.context() as patch:
            if fault:
                patch.setattr(NoteViewSet, place, fault)
            status = acme.owner.get("notes").status_code
        assert status == (500 if fault else 200), place
    assert acme.owner.get("notes").status_code == 200


@pytest.mark.parametrize("name", ["principal", "read", "burst"])
def test_the_strictest_window_wins_and_a_refusal_spends_nothing_in_the_others(acme, rates, name):
    rates(**{"principal": 5, "read": 5, "burst": 5, name: 2})
    assert statuses(4, key=acme.owner.secret) == [200, 200, 429, 429]
    rates(**{name: 1000})
    answer = send("GET", key=acme.owner.secret, REMOTE_ADDR=next(networks))
    others = {"principal", "read", "burst"} - {name}
    for other in others:
        assert f'"{other}";r=2' in answer["RateLimit"]


def test_reading_writing_and_what_is_sensitive_are_counted_apart(acme, rates):
    rates(read=1, write=1, sensitive=1)
    note = acme.owner.post("notes", {"title": "x"}).json()["id"]
    copying = {"Idempotency-Key": "k" * 16}
    assert acme.owner.get("notes").status_code == 200
    assert acme.owner.post(f"notes/{note}/copies", **copying).status_code == 201
    for answer, policy in (
        (acme.owner.get(f"notes/{note}"), "read"),
        (acme.owner.delete(f"notes/{note}"), "write"),
        (acme.owner.post(f"notes/{note}/copies", **copying), "sensitive"),
    ):
        assert refused(answer, 429, "rate-limited")["violated-policies"] == [policy]


def test_one_principals_limit_is_not_anothers(acme, globex, rates):
    rates(principal=1)
    address = next(networks)
    for member in (acme.owner, acme.viewer, globex.owner):
        assert statuses(2, key=member.secret, REMOTE_ADDR=address) == [200, 429]


@pytest.mark.practice("RATE-12")
def test_many_keys_of_one_organization_are_one_organization_and_no_other(acme, globex, rates):
    rates(organization=6)
    keys = [acme.owner.with_scopes().secret for _ in range(4)]
    answers = [send("GET", key=key, REMOTE_ADDR=next(networks)) for key in keys * 2]
    served = [answer.status_code for answer in answers]
    assert sorted(served) == [403] * 6 + [429] * 2  # keys without scopes: refusals count too
    document = refused(answers[-1], 429, "rate-limited")
    assert document["violated-policies"] == ["organization"]
    assert acme.viewer.get("notes").status_code == 429
    assert statuses(4, key=globex.owner.secret) == [200] * 4


def test_refusals_are_counted_too_so_that_guessing_has_an_end(acme, rates):
    rates(principal=4)
    answers = [acme.viewer.post("notes", {"title": "x"}), acme.viewer.get("notes?nonsense=1"),
               acme.viewer.get("notes/00000000-0000-7000-8000-000000000000"),
               acme.viewer.post("notes", b"{nonsense"), acme.viewer.get("notes")]  # fmt: skip
    assert [answer.status_code for answer in answers] == [403, 400, 404, 403, 429]


@pytest.mark.practice("RATE-01")
def test_a_network_that_guesses_is_refused_before_its_guess_is_judged(acme, rates):
    rates(network=3)
    address = next(networks)
    assert statuses(5, REMOTE_ADDR=address, key="guess") == [401, 401, 401, 429, 429]
    document = refused(send("GET", REMOTE_ADDR=address, key="guess"), 429, "rate-limited")
    assert document["violated-policies"] == ["net"]
    assert statuses(1, REMOTE_ADDR=address) == [429]
    assert statuses(1, REMOTE_ADDR=address, key=acme.owner.secret) == [429]
    assert statuses(1, key=acme.owner.secret) == [200]  # from elsewhere nothing has changed


@pytest.mark.practice("RATE-01")
def test_a_network_that_was_refused_costs_no_look_up_until_it_may_have_room(acme, rates):
    rates(network=2)
    address = next(networks)
    assert statuses(3, REMOTE_ADDR=address, key="guess") == [401, 401, 429]
    for secret in (acme.owner.secret, "guess"):
        with statements() as sent:
            answer = send("GET", REMOTE_ADDR=address, key=secret)
        assert refused(answer, 429, "rate-limited")["violated-policies"] == ["net"]
        assert not sent
        ((_, state),) = parse_list(answer["RateLimit"])
        assert 50 <= state["t"] <= int(answer["Retry-After"]) <= 62
    answer = send("GET", "/api/v1/nothing", REMOTE_ADDR=address)
    assert answer.status_code == 404  # the order of the contract holds


@pytest.mark.practice("RATE-01")
def test_what_is_remembered_of_refused_networks_has_a_bound_and_an_end(rates, monkeypatch):
    rates(network=1)
    monkeypatch.setattr(networks_seen, "MOST", 3)
    monkeypatch.setattr(networks_seen, "SECONDS", 0.0)
    monkeypatch.setattr(networks_seen, "_refused", {})
    for _ in range(10):
        assert statuses(3) == [401, 429, 429]  # the store is asked each time
        assert len(networks_seen._refused) <= 3


@pytest.mark.practice("X-17")
def test_a_written_address_does_not_open_another_bucket(rates):
    rates(network=3)
    address = next(networks)
    answers = [
        send("GET", REMOTE_ADDR=address, headers={name: f"198.51.100.{n}"}).status_code
        for n, name in enumerate(["X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Client-IP"])
    ]
    assert answers == [401, 401, 401, 429]


@pytest.mark.practice("X-17")
@pytest.mark.practice("RATE-01")
def test_an_ipv6_customer_has_one_bucket_for_all_their_addresses(rates):
    rates(network=2)
    address = next(networks)
    answers = [send("GET", REMOTE_ADDR=f"{address}{n}").status_code for n in range(1, 4)]
    assert answers == [401, 401, 429]
    assert statuses(1) == [401]  # the network beside it


@pytest.fixture
def without_store(settings):
    """The shared store is gone."""
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    counters.shared.cache_clear()
    counters.local.cache_clear()


@pytest.mark.practice("X-22")
def test_without_its_store_reading_goes_on_under_this_processs_own_count(
    acme, rates, without_store
):
    rates(principal=2)
    assert statuses(3, key=acme.owner.secret) == [200, 200, 429]
    rates(network=2)
    assert statuses(3, key="guess") == [401, 401, 429]


@pytest.mark.practice("X-22")
def test_without_its_store_what_changes_things_waits(acme, without_store):
    for answer in (
        acme.owner.post("notes", {"title": "x"}),
        acme.owner.delete("notes/00000000-0000-7000-8000-000000000000"),
        acme.owner.post("notes/00000000-0000-7000-8000-000000000000/copies"),
    ):
        refused(answer, 503, "not-ready")
        assert int(answer["Retry-After"]) >= 1
    assert acme.owner.get("notes").json()["results"] == []


@pytest.mark.practice("X-22")
def test_a_store_that_is_gone_bounds_what_is_in_flight_all_the_same(acme, without_store, settings):
    settings.IN_FLIGHT = Rate(2, 30)
    with in_flight(acme.owner, 2):
        assert acme.owner.get("notes").status_code == 429
    assert [acme.owner.get("notes").status_code for _ in range(3)] == [200] * 3


@pytest.mark.practice("RATE-02")
def test_the_figures_are_the_contracts():
    from config.settings import security

    assert security.IN_FLIGHT.requests == 10

    assert security.RATES == {
        "principal": (1000, 3600), "network": (3000, 3600), "sign-in": (100, 60),
        "read": (1000, 3600), "write": (300, 3600), "sensitive": (60, 3600), "burst": (20, 1),
        "organization": (10_000, 3600),
    }  # fmt: skip


def test_a_window_tells_its_class_and_never_whom_it_counts():
    window = counters.Window("principal:4711", 1, 1)
    assert limits.name_of(window) == "principal"
    assert "4711" not in str(limits.fields([counters.Taken(window, 0, 0.2)]))


def test_a_path_that_does_not_exist_is_not_counted_against_anybody(acme, rates):
    rates(principal=1)
    assert statuses(3, path="/api/v1/nothing", key=acme.owner.secret) == [404] * 3
    assert statuses(1, path=NOTES, key=acme.owner.secret) == [200]
