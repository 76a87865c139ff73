"""Stolen pairs of name and password are tried from everywhere: none opens a session, and whoever
lives here notices nothing.
"""

import random
import time
from uuid import uuid4

import pytest
from allauth.mfa.totp.internal.auth import generate_totp_secret
from django.core import mail
from django.db import transaction
from django.test import Client

from apps.accounts import strangers
from apps.accounts.models import Session, User
from apps.accounts.services import Totp
from apps.accounts.tasks import end_newcomers
from config.settings.security import STUFFING, Rate, Stuffing
from saas.authentication import events, stuffing
from saas.edge import log
from saas.persistence.models import OutboxEntry
from saas.tenancy.across_tenants import outbox_across_tenants
from tests.apps.accounts.test_sign_in import (
    LOGIN,
    PASSWORD,
    able_to_sign_in,
    anywhere,
    code_of,
    sign_in,
)
from tests.apps.integrations.test_returning import ends, path_of
from tests.oauth import make_client
from tests.pages import (
    NEW,
    browser,
    comparable,
    is_in,
    letters,
    mailed_code,
    mailed_path,
    post,
)

pytestmark = [pytest.mark.core, pytest.mark.practice("RATE-07")]

CODE_PAGE = "/accounts/login/code/"
LISTED = "password123"
SHORT = Stuffing(names=10, share=0.2, seconds=3600, lasts=3600)


@pytest.fixture(autouse=True)
def house(monkeypatch, settings):
    """A house of its own, since all tests count in one store; ten names are many in it."""
    monkeypatch.setattr(stuffing, "HOUSE", str(uuid4()))
    settings.STUFFING = SHORT
    settings.HOUSE_LETTERS = Rate(10_000, 3601)  # other tests wrote too


@pytest.fixture
def clerk(acme):
    """Acme's clerk, with a password."""
    return able_to_sign_in(acme.clerk.user)


@pytest.fixture
def lines():
    """The access log."""
    seen = []
    log.LISTENERS.append(seen.append)
    yield seen
    log.LISTENERS.remove(seen.append)


def nobody():
    """A name that nobody has."""
    return f"{uuid4()}@stolen.example"


def person(number, kind, acme):
    """Somebody whose password is in the stolen list; some belong to an organization."""
    user = acme.clerk.user if number == 0 else User(email=nobody())
    user.set_password(LISTED if kind == "listed" else PASSWORD)
    user.email = nobody()
    user.save()
    if kind == "totp":
        Totp.activate(user, generate_totp_secret())
    return user


def storm():
    """Enough wrong pairs."""
    for _ in range(SHORT.names):
        sign_in(browser(), nobody(), "wrong")


def stuffed(pairs, networks):
    """Each pair tried once, from the networks in turn, each time as a new browser."""
    for at, (email, password) in enumerate(pairs):
        client = Client(REMOTE_ADDR=networks[at % len(networks)], raise_request_exception=False)
        yield client, sign_in(client, email, password)


def waiting(*tasks):
    """What the workers have to do."""
    names = [task.module_path for task in tasks]
    with transaction.atomic(), outbox_across_tenants():
        rows = OutboxEntry.objects.order_by("due_at")
        return list(rows.filter(name__in=names) if names else rows)


@pytest.mark.parametrize(
    ("rule", "tries", "right", "networks"),
    [(SHORT, 50, 6, 25), pytest.param(STUFFING, 1000, 20, 500, marks=pytest.mark.drill)],
)
def test_of_stolen_pairs_none_opens_a_session_and_known_browsers_all_get_in(
    acme, settings, rule, tries, right, networks
):
    settings.STUFFING = rule
    living = [able_to_sign_in(User(email=nobody())) for _ in range(10)]
    homes = [(browser(), one) for one in living]
    for home, one in homes:
        assert sign_in(home, one.email).status_code == 303
        post(home, "logout/")
    chance = random.Random(7)  # noqa: S311  # the same order each time
    kinds = ["plain", "listed", "totp", "plain"] * right
    people = [(person(at, kind, acme), kind) for at, kind in enumerate(kinds[:right])]
    pairs = [(one.email, LISTED if kind == "listed" else PASSWORD) for one, kind in people]
    pairs += [(nobody(), "wrong") for _ in range(tries - right)]
    chance.shuffle(pairs)
    tried = list(stuffed(pairs, [anywhere() for _ in range(networks)]))
    letters()
    moved = [answer.get("Location") == CODE_PAGE for _, answer in tried]
    noticed = moved.index(True)
    print(f"noticed at try {noticed + 1} of {tries}")
    assert noticed < 2 * rule.names
    assert all(moved[noticed:])
    assert [client for client, _ in tried if is_in(client)] == []
    for home, one in homes:
        assert sign_in(home, one.email)["Location"] == "/accounts/"
        assert is_in(home)


def test_a_pair_that_was_right_before_the_attack_was_seen_opens_nothing_afterwards(clerk, acme):
    before, thief = browser(), browser()
    sign_in(before, clerk.email)
    post(before, "logout/")
    sign_in(browser(), nobody(), "wrong")  # it has begun, and nobody can know
    assert sign_in(thief, clerk.email)["Location"] == "/accounts/"
    storm()
    mail.outbox.clear()
    letters()
    assert not is_in(thief)
    assert any("signed one of your browsers out" in letter.subject for letter in mail.outbox)
    assert sign_in(thief, clerk.email)["Location"] == CODE_PAGE
    assert sign_in(before, clerk.email)["Location"] == "/accounts/"
    [raised] = acme.owner.get("alerts").json()["results"]
    assert (raised["kind"], raised["subject"]["id"]) == ("sign-in.stuffed", str(clerk.pk))


def test_who_was_on_their_way_in_is_found_a_minute_later(clerk):
    storm()
    later = waiting(end_newcomers)[-1]
    assert 50 < later.due_at.timestamp() - time.time() < 70


def test_a_morning_of_many_right_sign_ins_and_some_typos_is_no_attack(acme):
    everybody = [able_to_sign_in(User(email=nobody())) for _ in range(40)]
    for at, one in enumerate(everybody):
        client = browser()
        if at % 3 == 0:
            sign_in(client, one.email, "mistyped")
        assert sign_in(client, one.email)["Location"] == "/accounts/"
    for _ in range(SHORT.names - 1):  # and these never remember theirs
        sign_in(browser(), nobody(), "wrong")
    assert sign_in(browser(), everybody[0].email)["Location"] == "/accounts/"


def test_an_account_of_ones_own_hides_no_guesses(clerk):
    for _ in range(SHORT.names):
        sign_in(browser(), nobody(), "wrong")
        for _ in range(5):
            sign_in(browser(), clerk.email)
    assert sign_in(browser(), clerk.email)["Location"] == CODE_PAGE


def test_the_letter_lets_its_owner_in_in_that_browser_alone(clerk):
    storm()
    here, elsewhere = browser(), browser()
    assert sign_in(here, clerk.email)["Location"] == CODE_PAGE
    assert not is_in(here)
    code = mailed_code(clerk.email)
    assert sign_in(elsewhere, clerk.email)["Location"] == CODE_PAGE
    assert post(elsewhere, "login/code/", code=code).status_code == 400
    assert post(here, "login/code/", code=code)["Location"] == "/accounts/"
    assert is_in(here)
    post(here, "logout/")
    assert post(here, "login/code/", code=code)["Location"] == LOGIN  # it was good once
    assert sign_in(here, clerk.email)["Location"] == "/accounts/"  # and the browser is known now
    assert code not in str(list(Session.objects.values()))


def test_a_second_factor_is_answered_in_place_of_a_letter(clerk, lines):
    seed = generate_totp_secret()
    Totp.activate(clerk, seed)
    storm()
    client = browser()
    assert sign_in(client, clerk.email)["Location"] == CODE_PAGE
    assert "second factor" in letters(clerk.email)[0].body
    assert post(client, "login/code/", code=code_of(seed))["Location"] == "/accounts/"
    assert is_in(client)
    records = client.session["account_authentication_methods"]
    assert [one["method"] for one in records] == ["password", "mfa"]


def test_whoever_came_for_a_client_goes_on_to_it_after_the_code(clerk, acme):
    storm()
    client, path = browser(), path_of(make_client(acme, "customers:read"))
    form = {"login": clerk.email, "password": PASSWORD, "next": path}
    assert client.post(LOGIN, form, secure=True)["Location"] == CODE_PAGE
    assert ends(client.get(CODE_PAGE, secure=True)) == "'self' https://app.example"
    assert post(client, "login/code/", code=mailed_code(clerk.email))["Location"] == path


def test_codes_are_guessed_five_times_and_not_after_a_quarter_of_an_hour(clerk, time_machine):
    storm()
    client = browser()
    sign_in(client, clerk.email)
    code = mailed_code(clerk.email)
    guesses = [post(client, "login/code/", code=f"0000000{n}").status_code for n in range(6)]
    assert guesses == [400] * 5 + [429]
    assert post(client, "login/code/", code=code).status_code == 429
    late = browser()
    sign_in(late, clerk.email)
    code = mailed_code(clerk.email)
    time_machine.move_to(time.time() + 901)
    assert post(late, "login/code/", code=code)["Location"] == LOGIN


@pytest.mark.practice("X-15")
def test_a_right_and_a_wrong_password_get_the_same_answers(clerk, settings):
    storm()
    seen = []
    listed = able_to_sign_in(User(email=nobody()))
    listed.set_password(LISTED)
    listed.save()
    tried = [
        (clerk.email, PASSWORD),
        (clerk.email, "wrong"),
        (nobody(), "x"),
        (listed.email, LISTED),
    ]
    for email, password in tried:
        client, before = browser(), len(waiting())
        first = comparable(sign_in(client, email, password))
        after = len(waiting()) - before
        page = comparable(client.get(CODE_PAGE, secure=True))
        wrong = [comparable(post(client, "login/code/", code="00000000")) for _ in range(5)]
        refused = post(client, "login/code/", code="00000000").status_code
        seen.append((first, after, page, wrong, refused))
    assert seen[0][1] == 1
    assert all(one == seen[0] for one in seen[1:])


@pytest.mark.practice("X-15")
def test_ten_right_passwords_in_doubt_shut_a_network_as_ten_wrong_ones_do(clerk):
    storm()
    for password in (PASSWORD, "wrong"):
        network = anywhere()
        answers = [
            sign_in(Client(REMOTE_ADDR=network), name, password).status_code
            for name in [clerk.email, *(nobody() for _ in range(10))]
        ]
        assert answers == [303] * 10 + [429]


@pytest.mark.practice("X-14")
def test_a_password_that_was_leaked_later_opens_nothing_and_its_owner_sets_a_new_one(clerk, acme):
    known, unknown = browser(), browser()
    sign_in(known, clerk.email)
    post(known, "logout/")
    wrong = comparable(sign_in(browser(), clerk.email, "wrong"))
    clerk.set_password(LISTED)
    clerk.save()
    for client in (known, unknown):
        answer = comparable(sign_in(client, clerk.email, LISTED))
        assert answer[:2] == wrong[:2]
        assert not is_in(client)
    path = mailed_path(clerk.email, "password/reset")
    assert post(known, path, password=NEW).status_code == 303
    assert sign_in(known, clerk.email, NEW)["Location"] == "/accounts/"
    [raised] = acme.owner.get("alerts").json()["results"]
    assert (raised["kind"], raised["count"]) == ("sign-in.leaked", 2)


def test_it_is_over_when_it_has_been_calm_for_a_while(clerk, settings, monkeypatch):
    for lasts in (1, 5, 25):  # a machine that is too slow for the one takes the next
        monkeypatch.setattr(stuffing, "HOUSE", str(uuid4()))
        settings.STUFFING = SHORT._replace(seconds=2 * lasts, lasts=lasts)
        began = time.monotonic()
        storm()
        first = sign_in(browser(), clerk.email)["Location"]
        if time.monotonic() - began < lasts:
            break
    assert first == CODE_PAGE
    time.sleep(lasts + 0.2)
    storm()  # it goes on
    assert sign_in(browser(), clerk.email)["Location"] == CODE_PAGE
    time.sleep(3 * lasts + 0.2)
    assert sign_in(browser(), clerk.email)["Location"] == "/accounts/"


def test_the_house_is_told_once(db, settings, caplog):
    settings.SAAS_OPERATORS = [f"{uuid4()}@house.example"]
    storm()
    storm()
    [letter] = letters(settings.SAAS_OPERATORS[0])
    assert letter.subject == "Alert: sign-in.stuffed"
    assert "sign-in.stuffed" in caplog.text


@pytest.mark.practice("LOG-01")
def test_the_log_says_what_happened_and_names_who_is_proved(clerk, lines):
    sign_in(browser(), clerk.email, "wrong")
    sign_in(browser(), clerk.email)
    storm()
    sign_in(browser(), clerk.email)
    failed, succeeded, *_, stopped = lines
    assert (failed["events"], failed["user_id"]) == ([events.FAILED], None)
    assert (succeeded["events"], succeeded["user_id"]) == ([events.SUCCEEDED], str(clerk.pk))
    assert (stopped["events"], stopped["user_id"]) == ([events.STOPPED], None)


def test_what_is_kept_of_a_doubt_names_no_code(clerk):
    storm()
    client = browser()
    sign_in(client, clerk.email)
    held = client.session[strangers.DOUBT]
    assert mailed_code(clerk.email) not in str(held)
