"""A principal, a network and an operation each have windows, and the strictest one wins."""

import itertools
import re
import secrets

import pytest

from config.settings.security import Rate
from saas import counters
from saas.throttling import limits
from tests.saas.wire import NOTES, refused, send

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


@pytest.mark.practice("RATE-03")
def test_who_sleeps_as_long_as_told_is_served(acme, rates, settings, time_machine):
    settings.REDIS_URL = ""  # the clock of Redis cannot be turned
    counters.shared.cache_clear()
    rates(principal=3)
    time_machine.move_to("2026-01-01T12:00:00Z", tick=False)
    address = next(networks)
    for second in range(0, 600, 7):
        time_machine.move_to(f"2026-01-01T12:{second // 60:02}:{second % 60:02}Z", tick=False)
        answer = send("GET", key=acme.owner.secret, REMOTE_ADDR=address)
        if answer.status_code == 429:
            time_machine.shift(int(answer["Retry-After"]))
            assert send("GET", key=acme.owner.secret, REMOTE_ADDR=address).status_code == 200
            break
    else:
        pytest.fail("nobody was refused")


@pytest.mark.practice("RATE-06")
@pytest.mark.practice("X-25")
def test_every_answer_says_how_much_is_left_and_nothing_of_the_network(acme, rates):
    rates(principal=9, read=8, burst=7)
    answer = send("GET", key=acme.owner.secret, REMOTE_ADDR=next(networks))
    assert answer["RateLimit-Policy"] == '"principal";q=9;w=60, "read";q=8;w=60, "burst";q=7;w=60'
    assert answer["RateLimit"] == '"principal";r=8;t=0, "read";r=7;t=0, "burst";r=6;t=0'
    assert str(acme.owner.key.pk) not in str(answer.headers)


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


def test_the_figures_are_the_contracts():
    from config.settings import security

    assert security.RATES == {
        "principal": (1000, 3600), "network": (3000, 3600), "sign-in": (100, 60),
        "read": (1000, 3600), "write": (300, 3600), "sensitive": (60, 3600), "burst": (20, 1),
    }  # fmt: skip


def test_a_window_tells_its_class_and_never_whom_it_counts():
    window = counters.Window("principal:4711", 1, 1)
    assert limits.name_of(window) == "principal"
    assert "4711" not in str(limits.fields([counters.Taken(window, 0, 0.2)]))


def test_a_path_that_does_not_exist_is_not_counted_against_anybody(acme, rates):
    rates(principal=1)
    assert statuses(3, path="/api/v1/nothing", key=acme.owner.secret) == [404] * 3
    assert statuses(1, path=NOTES, key=acme.owner.secret) == [200]
