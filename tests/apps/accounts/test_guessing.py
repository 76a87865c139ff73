"""Guesses at passwords: ten are looked at, a network that goes on is shut out, and the owner gets in
all the same.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Thread
from uuid import uuid4

import pytest
from axes.models import AccessAttempt
from django.core import mail
from django.db import connection
from django.test import Client

from config.settings.security import Rate
from saas import counters
from saas.authentication import attempts
from saas.counters import Patience
from saas.counters.memory import MemoryCounters
from saas.counters.store import RedisCounters
from saas.persistence.worker import Worker
from tests.apps.accounts.test_sign_in import (
    FACTOR,
    PASSWORD,
    able_to_sign_in,
    anywhere,
    code_of,
    sign_in,
)
from tests.apps.accounts.test_sign_in import browser as browser
from tests.apps.accounts.test_sign_in import clerk as clerk
from tests.apps.accounts.test_sign_in import seed as seed
from tests.cast import make_tenant

pytestmark = [pytest.mark.core]

IN, WRONG, REFUSED = 303, 200, 429


@pytest.fixture
def looked(monkeypatch):
    """Every password that is really compared."""
    seen = []
    check = "django.contrib.auth.base_user.AbstractBaseUser.check_password"
    monkeypatch.setattr(check, lambda user, password: seen.append(password) or False)
    return seen


@pytest.fixture
def alerts():
    """The networks for which sign-in was shut."""
    told = []

    def listen(network, **_):
        told.append(network)

    attempts.network_shut.connect(listen)
    yield told
    attempts.network_shut.disconnect(listen)


def tries(browser, email, *passwords):
    """How each was answered."""
    return [sign_in(browser, email, password).status_code for password in passwords]


@pytest.mark.practice("AUTHN-13")
@pytest.mark.practice("RATE-09")
def test_after_ten_wrong_passwords_no_password_is_compared_and_the_owner_elsewhere_gets_in(
    browser, clerk, alerts, monkeypatch
):
    assert tries(browser, clerk.email, *["wrong"] * 10) == [WRONG] * 10
    assert AccessAttempt.objects.filter(username=clerk.email).exists()
    assert "wrong" not in str(AccessAttempt.objects.values())
    compared = []
    with monkeypatch.context() as patch:
        patch.setattr("apps.accounts.adapters.authenticate", lambda *a, **k: compared.append(1))
        refused = sign_in(browser, clerk.email)
    assert refused.status_code == REFUSED
    assert 890 <= int(refused["Retry-After"]) <= 900
    assert refused["Content-Type"] == "application/problem+json"
    assert compared == []
    assert len(alerts) == 1
    assert sign_in(browser, "nobody@acme.example").status_code == REFUSED
    assert sign_in(Client(REMOTE_ADDR=anywhere()), clerk.email).status_code == IN


@pytest.mark.practice("AUTHN-13")
@pytest.mark.practice("RATE-09")
def test_a_browser_that_the_owner_has_used_gets_in_from_the_network_of_the_guesser(browser, clerk):
    assert sign_in(browser, clerk.email).status_code == IN
    cookie = browser.cookies["__Host-device"]
    assert cookie["secure"]
    assert cookie["httponly"]
    assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Strict", "/", "")
    assert clerk.email not in cookie.value
    stranger = Client(REMOTE_ADDR=browser.defaults["REMOTE_ADDR"])
    assert tries(stranger, clerk.email, *["wrong"] * 12) == [WRONG] * 10 + [REFUSED] * 2
    browser.post("/accounts/logout/", secure=True)
    assert tries(browser, clerk.email, "wrong", PASSWORD) == [WRONG, IN]
    stranger.cookies["__Host-device"] = browser.cookies["__Host-device"].value
    assert sign_in(stranger, "admin@acme.example").status_code == REFUSED


@pytest.mark.practice("AUTHN-13")
def test_a_stolen_proof_has_ten_guesses_and_then_waits_like_everybody(browser, clerk):
    sign_in(browser, clerk.email)
    thief = Client(REMOTE_ADDR=anywhere())
    thief.cookies["__Host-device"] = browser.cookies["__Host-device"].value
    assert tries(thief, clerk.email, *["wrong"] * 11) == [WRONG] * 10 + [REFUSED]
    assert sign_in(Client(REMOTE_ADDR=anywhere()), clerk.email).status_code == IN


@pytest.mark.practice("AUTHN-13")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda value: value[:-1] + ("0" if value[-1] != "0" else "1"),
        lambda value: "x" + value[1:] if value[0] != "x" else "y" + value[1:],
        lambda value: value.partition(".")[0],
        lambda value: value + ".",
        lambda value: "." * 500,
        lambda value: "",
    ],
)
def test_a_forged_proof_is_none(browser, clerk, spoil, settings):
    settings.PATIENCE = Patience(free=1, longest=900, memory=60)
    sign_in(browser, clerk.email)
    forger = Client(REMOTE_ADDR=anywhere())
    sign_in(forger, clerk.email, "wrong")
    forger.cookies["__Host-device"] = spoil(browser.cookies["__Host-device"].value)
    assert sign_in(forger, clerk.email).status_code == REFUSED


@pytest.mark.practice("AUTHN-13")
def test_two_people_share_a_browser(browser, clerk, acme):
    other = able_to_sign_in(acme.admin.user)
    for email in (clerk.email, other.email):
        sign_in(browser, email)
        browser.post("/accounts/logout/", secure=True)
    stranger = Client(REMOTE_ADDR=browser.defaults["REMOTE_ADDR"])
    tries(stranger, clerk.email, *["wrong"] * 10)
    for email in (clerk.email, other.email, clerk.email):
        assert sign_in(browser, email).status_code == IN
        browser.post("/accounts/logout/", secure=True)


@pytest.mark.practice("AUTHN-13")
@pytest.mark.parametrize(
    "spelling",
    [
        lambda name: name.upper(),
        lambda name: name.replace("acme", "ACME"),
        lambda name: name.replace("@a", "@\uff41"),  # full width, which NFKC folds
        lambda name: f" {name}",
    ],
)
def test_another_spelling_of_a_name_is_no_other_account(browser, clerk, settings, spelling):
    settings.PATIENCE = Patience(free=1, longest=900, memory=60)
    sign_in(browser, spelling(clerk.email), "wrong")
    assert sign_in(browser, clerk.email).status_code == REFUSED


@pytest.mark.practice("AUTHN-13")
def test_each_wrong_password_after_the_free_ones_doubles_the_wait(browser, clerk, settings):
    settings.PATIENCE = Patience(free=2, longest=900, memory=60)
    waits = []
    tries(browser, clerk.email, "wrong")
    for _ in range(2):
        assert sign_in(browser, clerk.email, "wrong").status_code == WRONG
        waits.append(int(sign_in(browser, clerk.email)["Retry-After"]))
        time.sleep(waits[-1])
    assert waits == [1, 2]
    assert sign_in(browser, clerk.email).status_code == IN


@pytest.mark.practice("AUTHN-13")
def test_a_hundred_wrong_in_a_row_from_everywhere_shut_strangers_out_and_not_the_owner(
    browser, clerk, settings
):
    settings.CEILING = settings.CEILING._replace(free=6)
    sign_in(browser, clerk.email)
    browser.post("/accounts/logout/", secure=True)
    answers = [
        sign_in(Client(REMOTE_ADDR=anywhere()), clerk.email, "wrong").status_code for _ in range(8)
    ]
    assert answers == [WRONG] * 6 + [REFUSED] * 2
    assert sign_in(Client(REMOTE_ADDR=anywhere()), clerk.email).status_code == REFUSED
    assert sign_in(browser, clerk.email).status_code == IN  # and the row is broken
    assert sign_in(Client(REMOTE_ADDR=anywhere()), clerk.email).status_code == IN
    for _ in range(6):
        sign_in(Client(REMOTE_ADDR=anywhere()), clerk.email, "wrong")
    attempts.forget("account", clerk.email)  # as after a reset
    assert sign_in(Client(REMOTE_ADDR=anywhere()), clerk.email).status_code == IN


@pytest.mark.practice("AUTHN-13")
def test_a_network_that_is_refused_brings_no_account_nearer_to_its_ceiling(
    browser, clerk, settings
):
    settings.CEILING = settings.CEILING._replace(free=12)
    tries(browser, clerk.email, *["wrong"] * 30)
    assert sign_in(Client(REMOTE_ADDR=anywhere()), clerk.email, "wrong").status_code == WRONG
    assert sign_in(Client(REMOTE_ADDR=anywhere()), clerk.email).status_code == IN


@pytest.mark.practice("RATE-09")
def test_ten_accounts_guessed_at_from_one_network_shut_it_for_a_while(
    browser, clerk, looked, alerts, monkeypatch, time_machine, caplog
):
    time_machine.move_to("2026-11-22T12:00:00+00:00", tick=False)
    own = MemoryCounters(time.time)  # whose clock is this process's
    monkeypatch.setattr(counters, "shared", lambda: own)
    for n in range(10):
        assert sign_in(browser, f"person{n}@acme.example", "wrong").status_code == WRONG
    assert sign_in(browser, clerk.email, "wrong").status_code == REFUSED
    assert looked == []  # of the clerk's none, and of the others' there is none
    assert len(alerts) == 1
    time_machine.shift(899)
    assert sign_in(browser, clerk.email, "wrong").status_code == REFUSED
    time_machine.shift(1)
    assert sign_in(browser, clerk.email, "wrong").status_code == WRONG
    assert looked == ["wrong"]
    assert clerk.email not in caplog.text  # nor does a log say whom they tried


@pytest.mark.practice("RATE-09")
def test_nine_failures_in_any_five_minutes_shut_nobody_out(
    browser, clerk, alerts, monkeypatch, time_machine
):
    time_machine.move_to("2026-11-22T12:00:00+00:00", tick=False)
    own = MemoryCounters(time.time)
    monkeypatch.setattr(counters, "shared", lambda: own)
    for n in range(30):
        assert sign_in(browser, f"person{n}@acme.example", "wrong").status_code == WRONG
        time_machine.shift(34)
    assert alerts == []
    assert sign_in(browser, clerk.email).status_code == IN


@pytest.mark.practice("X-22")
def test_when_nobody_can_count_nobody_signs_in(browser, clerk, monkeypatch):
    down = RedisCounters("redis://127.0.0.1:1")
    monkeypatch.setattr(counters, "shared", lambda: down)
    answer = sign_in(browser, clerk.email)
    assert (answer.status_code, answer.json()["code"]) == (503, "not-ready")
    assert int(answer["Retry-After"]) > 0


@pytest.mark.practice("RATE-09")
def test_an_office_that_signs_in_is_no_attack_and_an_account_of_ones_own_washes_nothing_off(
    browser, clerk, acme, alerts
):
    here = browser.defaults["REMOTE_ADDR"]
    signing = [lambda: sign_in(Client(REMOTE_ADDR=here), clerk.email).status_code] * 15
    assert [one() for one in signing] == [IN] * 15
    assert tries(browser, acme.owner.user.email, *["wrong"] * 9) == [WRONG] * 9
    assert [one() for one in signing[:3]] == [IN] * 3
    assert alerts == []
    assert sign_in(browser, "nobody@acme.example", "wrong").status_code == WRONG
    assert len(alerts) == 1
    assert sign_in(browser, "nobody@acme.example").status_code == REFUSED


@pytest.mark.practice("RATE-09")
def test_wrong_codes_are_failed_sign_ins_too(browser, clerk, seed, alerts):
    for _ in range(5):
        sign_in(browser, clerk.email, "wrong")
    sign_in(browser, clerk.email)
    for _ in range(5):
        browser.post(FACTOR, {"code": "000000"}, secure=True)
    assert len(alerts) == 1
    assert browser.post(FACTOR, {"code": code_of(seed)}, secure=True).status_code == REFUSED


@pytest.mark.practice("X-15")
def test_a_wrong_password_and_an_unknown_address_cost_the_same_hash(browser, clerk, monkeypatch):
    from django.contrib.auth.hashers import MD5PasswordHasher

    hashed = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(
        MD5PasswordHasher, "encode", lambda *a, **k: hashed.append(1) or encode(*a, **k)
    )
    costs = []
    for email in (clerk.email, "nobody@acme.example"):
        hashed.clear()
        sign_in(browser, email, "wrong")
        costs.append(len(hashed))
    assert costs == [1, 1]


# Many at once, over transactions of their own.


def at_once(count, call):
    """The answers of `count` calls from twenty threads."""

    def run(_):
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        return list(pool.map(run, range(count)))


@pytest.fixture
def target(committed):
    """Acme's clerk, in a database where transactions commit."""
    return able_to_sign_in(make_tenant("Acme").clerk.user)


@pytest.mark.practice("AUTHN-13")
@pytest.mark.parametrize("guesses", [60, pytest.param(500, marks=pytest.mark.drill)])
def test_of_hundreds_of_guesses_at_once_ten_are_compared(target, guesses, monkeypatch):
    from django.contrib.auth.base_user import AbstractBaseUser

    compared = []
    compare = AbstractBaseUser.check_password

    def counted(user, password):
        compared.append(password)
        return compare(user, password)

    monkeypatch.setattr(AbstractBaseUser, "check_password", counted)
    network = anywhere()
    owner = Client(REMOTE_ADDR=network)
    assert sign_in(owner, target.email).status_code == IN
    owner.post("/accounts/logout/", secure=True)
    compared.clear()
    guess = lambda: sign_in(Client(REMOTE_ADDR=network), target.email, "wrong").status_code  # noqa: E731  # two of these would be a function
    answers = at_once(guesses, guess)
    assert sorted(answers) == [WRONG] * 10 + [REFUSED] * (guesses - 10)
    assert len(compared) == 10
    assert sign_in(owner, target.email).status_code == IN
    assert sign_in(Client(REMOTE_ADDR=anywhere()), target.email).status_code == IN


@pytest.mark.practice("RATE-09")
def test_the_organization_of_who_is_guessed_at_gets_an_alert(browser, clerk, acme):
    assert tries(browser, clerk.email, *["wrong"] * 10) == [WRONG] * 10
    [raised] = acme.owner.get("alerts").json()["results"]
    assert (raised["kind"], raised["subject"]["id"]) == ("sign-in.guessed", str(clerk.pk))


@contextmanager
def at_work():
    """A worker beside the web."""
    worker = Worker()
    thread = Thread(target=lambda: (worker.serve(), connection.close()))
    thread.start()
    try:
        yield
    finally:
        worker.stop.set()
        thread.join()


def told(address, seconds):
    """The letter of guesses to an address, which comes within so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        letters = [letter for letter in mail.outbox if address in letter.to]
        if found := [letter for letter in letters if "sign-in" in letter.subject]:
            return found
        time.sleep(0.05)
    return []


@pytest.mark.practice("RATE-09")
def test_the_tenth_failure_is_told_within_five_seconds_and_shuts_sign_in_for_that_network_alone(
    committed, settings, alerts
):
    operator = f"{uuid4().hex}@house.example"  # other tests wrote to theirs
    settings.SAAS_OPERATORS = [operator]
    settings.HOUSE_LETTERS = Rate(10_000, 3602)  # other tests wrote too
    acme = make_tenant("Acme")
    clerk = able_to_sign_in(acme.clerk.user)
    guesser = Client(REMOTE_ADDR=anywhere(), raise_request_exception=False)
    with at_work():
        mail.outbox.clear()
        for number in range(9):
            assert sign_in(guesser, f"{number}@acme.example", "wrong").status_code == WRONG
        assert [letter for letter in mail.outbox if "sign-in" in letter.subject] == []
        assert sign_in(guesser, clerk.email, "wrong").status_code == WRONG
        [letter] = told(operator, 5)
        assert told(acme.owner.user.email, 5)
    assert letter.subject == "Alert: sign-in.guessed"
    [raised] = acme.owner.get("alerts").json()["results"]
    assert (raised["kind"], raised["count"]) == ("sign-in.guessed", 1)
    refused = sign_in(guesser, clerk.email)
    assert (refused.status_code, refused.json()["code"]) == (REFUSED, "rate-limited")
    assert 890 <= int(refused["Retry-After"]) <= 900
    assert guesser.get("/accounts/password/reset/", secure=True).status_code == 200
    assert sign_in(Client(REMOTE_ADDR=anywhere()), clerk.email).status_code == IN


@pytest.mark.practice("RATE-09")
def test_when_the_names_are_nobodys_the_house_is_told_and_no_more_often_than_it_reads(
    browser, settings, caplog, delivered
):
    settings.SAAS_OPERATORS = ["night@house.example", "day@house.example"]
    settings.HOUSE_LETTERS = Rate(2, int(time.time()))  # a window of its own
    for _ in range(3):
        network = Client(REMOTE_ADDR=anywhere())
        for number in range(10):
            sign_in(network, f"{number}@nobody.example", "wrong")
    for address in settings.SAAS_OPERATORS:
        assert len(delivered(address)) == 2
    warned = [one for one in caplog.records if one.name == "saas.house"]
    assert [one.levelname for one in warned] == ["WARNING"] * 3


@pytest.mark.practice("RATE-10")
def test_a_refusal_names_no_rule_and_says_nothing_of_the_account(browser, clerk):
    network = browser.defaults["REMOTE_ADDR"]
    tries(browser, clerk.email, *["wrong"] * 10)
    known, unknown = (
        sign_in(Client(REMOTE_ADDR=network), name) for name in (clerk.email, "nobody@acme.example")
    )
    assert known.json().keys() == unknown.json().keys()
    assert known.json()["detail"] == unknown.json()["detail"]
    assert known["RateLimit-Policy"] == f'"attempts";q=1;w={known["Retry-After"]}'
    said = known.content.decode() + str(dict(known.headers))
    for telling in ("q=10", clerk.email, "network", "browser"):
        assert telling not in said
