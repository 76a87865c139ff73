"""A passkey signs in the person it was made for, here, now and once; whatever else comes is refused
alike.
"""

import json
from uuid import uuid4

import pytest
from allauth.account.authentication import get_authentication_records
from allauth.mfa.totp.internal.auth import generate_totp_secret
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client, RequestFactory

from apps.accounts.models import Session
from apps.accounts.services import Totp
from apps.activity.models import Alert
from apps.passkeys import services
from apps.passkeys.models import Passkey
from config.settings.security import Rate
from saas.tenancy.binding import bind
from tests.apps.accounts.test_sign_in import FACTOR, sign_in
from tests.apps.passkeys.device import (
    ATTESTED,
    BOTH,
    PRESENT,
    SIGN_IN,
    SYNCED,
    VERIFIED,
    Device,
    add,
    asked,
    codes_on,
    plain,
    show,
    text,
    with_passkey,
)
from tests.attacks.surface import at_once
from tests.cast import make_tenant
from tests.pages import browser, comparable, get, is_in, letters, post, signed_in

pytestmark = [pytest.mark.core]
STEP = "passkeys/second-step/"


@pytest.fixture
def clerk(acme):
    """Acme's clerk."""
    return acme.clerk.user


@pytest.fixture
def device(clerk):
    """The clerk's passkey."""
    return with_passkey(clerk)


def records(user):
    """How the newest session of a person was opened."""
    row = Session.objects.filter(user=user).order_by("expire_date").last()
    request = RequestFactory().get("/")
    request.session = row.get_decoded()
    return get_authentication_records(request, user)


@pytest.mark.practice("AUTHN-09")
def test_a_passkey_alone_signs_in_and_the_session_remembers_how(clerk, device):
    Totp.activate(clerk, generate_totp_secret())  # which is not asked for: this is both factors
    client = browser()
    answer = show(client, device)
    assert (answer.status_code, answer["Location"]) == (303, "/accounts/")
    assert is_in(client)
    [record] = records(clerk)
    assert record["amr"] == ["hwk", "user", "mfa"]
    assert record["acr"] == "phr"
    assert show(client, device).status_code == 303  # and again, signed in
    assert Passkey.objects.get().last_used_at


def test_a_synced_passkey_is_no_hardware_key(clerk):
    device = add(signed_in(clerk), flags=BOTH | SYNCED | ATTESTED)[0]
    assert show(browser(), device).status_code == 303
    assert records(clerk)[0]["amr"] == ["swk", "user", "mfa"]


def test_a_person_is_sent_back_to_where_they_came_from_and_nowhere_else(device):
    for asked_for, sent_to in (
        ("/oauth/authorize?client_id=x", "/oauth/authorize?client_id=x"),
        ("https://evil.example/", "/accounts/"),
        ("//evil.example", "/accounts/"),
        ("javascript:alert(1)", "/accounts/"),
    ):
        client = browser()
        answer = device.get(asked(client))
        assert post(client, SIGN_IN, passkey=answer, next=asked_for)["Location"] == sent_to


def test_whoever_was_signed_in_there_is_not_any_more(device, acme, clerk):
    client = signed_in(acme.viewer.user)
    assert show(client, device).status_code == 303
    assert clerk.email in get(client, "").content.decode()
    assert records(clerk)[-1]["acr"] == "phr"


@pytest.mark.practice("AUTHN-09")
def test_a_passkey_stands_after_the_password_in_place_of_a_code(clerk, device):
    client = browser()
    assert sign_in(client, clerk.email)["Location"].startswith(FACTOR)
    assert not is_in(client)
    assert b"recovery codes" in client.get(FACTOR, secure=True).content
    answer = show(client, device, STEP)
    assert (answer.status_code, answer["Location"]) == (303, "/accounts/")
    assert is_in(client)
    assert [one["method"] for one in records(clerk)] == ["password", "mfa"]
    assert records(clerk)[1]["acr"] == "phr"


def test_a_recovery_code_stands_in_for_a_lost_passkey(clerk):
    owner = signed_in(clerk)
    add(owner)
    code, *_ = codes_on(owner)
    client = browser()
    sign_in(client, clerk.email)
    assert client.post(FACTOR, {"code": "000000"}, secure=True).status_code == 200
    assert client.post(FACTOR, {"code": code}, secure=True).status_code == 303
    assert is_in(client)
    assert records(clerk)[1]["type"] == "recovery_codes"


@pytest.mark.practice("AUTHN-09")
def test_the_second_step_takes_the_passkey_of_this_person_alone(clerk, device, acme):
    other = with_passkey(acme.viewer.user)
    client = browser()
    assert post(client, STEP, passkey="{}")["Location"].startswith("/accounts/login/")
    sign_in(client, clerk.email)
    assert show(client, other, STEP).status_code == 401
    assert not is_in(client)
    assert [show(client, other, STEP).status_code for _ in range(5)] == [401] * 4 + [429]
    assert show(client, device, STEP).status_code == 429
    assert not is_in(client)


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://evil.example"},
        {"origin": "https://login.api.strongroom.example"},
        {"origin": "https://api.strongroom.example.evil.example"},
        {"origin": "http://api.strongroom.example"},
        {"origin": "https://api.strongroom.example:444"},
        {"origin": "HTTPS://api.strongroom.example"},
        {"rp": "evil.example"},
        {"rp": "strongroom.example"},
        {"flags": PRESENT},
        {"flags": VERIFIED},
        {"flags": 0},
        {"cross": True},
        {"handle": b""},
        {"handle": b"\0" * 16},
        {"key": ec.generate_private_key(ec.SECP256R1())},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
@pytest.mark.practice("AUTHN-09")
def test_what_was_signed_for_another_place_or_by_another_hand_is_refused(device, wrong):
    client = browser()
    answer = show(client, device, **wrong)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Passkey realm="https://api.strongroom.example"'
    assert not is_in(client)
    assert Passkey.objects.get().last_used_at is None
    assert show(client, device).status_code == 303  # and that was all


@pytest.mark.practice("AUTHN-09")
def test_a_challenge_is_answered_once(device):
    client, other = browser(), browser()
    answer = device.get(asked(client))
    assert post(client, SIGN_IN, passkey=answer).status_code == 303
    assert post(client, SIGN_IN, passkey=answer).status_code == 401
    assert post(other, SIGN_IN, passkey=answer).status_code == 401
    refused = device.get(asked(other), origin="https://evil.example")
    mended = device.get(json_of(refused), step=0)
    assert post(other, SIGN_IN, passkey=refused).status_code == 401
    assert post(other, SIGN_IN, passkey=mended).status_code == 401  # a try uses it up too
    assert not is_in(other)


def json_of(answer):
    """The challenge of an answer, as if it were asked again."""
    return json.loads(plain(json.loads(answer)["response"]["clientDataJSON"]))


@pytest.mark.practice("AUTHN-09")
def test_a_challenge_of_another_browser_or_purpose_or_hour_is_refused(clerk, device, time_machine):
    time_machine.move_to("2026-11-22T12:00:00+00:00", tick=False)
    mine, theirs = browser(), browser()
    options = asked(theirs)
    asked(mine)
    assert post(mine, SIGN_IN, passkey=device.get(options)).status_code == 401
    assert post(browser(), SIGN_IN, passkey=device.get(options)).status_code == 401
    assert post(theirs, SIGN_IN, passkey=device.get(options)).status_code == 303
    post(theirs, "passkeys/new/", passkey=device.get(asked(theirs)))
    options = post(theirs, "passkeys/new/challenge/").json()
    assert post(theirs, SIGN_IN, passkey=device.get(options)).status_code == 401
    options = asked(mine)
    time_machine.shift(300)
    assert post(mine, SIGN_IN, passkey=device.get(options)).status_code == 401
    options = asked(mine)
    time_machine.shift(299)
    assert post(mine, SIGN_IN, passkey=device.get(options)).status_code == 303


@pytest.mark.parametrize("step", [0, -1, -5])
@pytest.mark.practice("AUTHN-09")
def test_a_counter_that_does_not_grow_shuts_the_passkey_and_is_told(acme, step):
    clerk = acme.clerk.user
    device = with_passkey(clerk)
    assert show(browser(), device, step=10).status_code == 303
    client = browser()
    assert show(client, device, step=step).status_code == 401
    assert not is_in(client)
    assert "copied" in letters(clerk.email)[0].subject
    with bind(acme.id):
        assert Alert.objects.get().kind == "passkey.copied"
    assert show(browser(), device, step=100).status_code == 401  # nobody knows which is the copy
    assert sign_in(browser(), clerk.email)["Location"].startswith(FACTOR)  # nor is it as if removed
    owner = browser()
    code = services.make_recovery_codes(clerk)[0]
    sign_in(owner, clerk.email)
    owner.post(FACTOR, {"code": code}, secure=True)
    assert "Shut: there seems to be a copy" in get(owner, "").content.decode()


def test_a_device_without_a_counter_is_good_for_ever(clerk):
    device = with_passkey(clerk)
    for _ in range(3):
        assert show(browser(), device, step=0).status_code == 303


@pytest.mark.practice("AUTHN-09")
def test_of_eight_who_send_one_signature_at_once_one_gets_in(committed):
    clerk = make_tenant("Acme").clerk.user
    device = with_passkey(clerk)
    first = browser()
    answer = device.get(asked(first), step=0)
    clients = [browser() for _ in range(8)]
    for client in clients:
        client.cookies = first.cookies.copy()
    sent = [lambda c=client: post(c, SIGN_IN, passkey=answer).status_code for client in clients]
    answers = at_once(*sent)
    assert answers.count(303) == 1
    assert {*answers} <= {303, 400, 401}  # 400: the session is another one since


@pytest.mark.practice("AUTHN-09")
def test_an_unknown_passkey_and_one_of_a_closed_account_are_refused_alike(clerk, device):
    unknown = Device(handle=clerk.pk.bytes)
    client = browser()
    refused = show(client, unknown)
    assert refused.status_code == 401
    clerk.is_active = False
    clerk.save()
    assert comparable(show(client, device)) == comparable(refused)
    assert not is_in(client)


@pytest.mark.practice("AUTHN-09")
def test_a_credential_of_another_person_signs_nobody_in(device, acme):
    other = with_passkey(acme.viewer.user)
    client = browser()
    assert show(client, device, handle=acme.viewer.user.pk.bytes).status_code == 401
    other.id = device.id  # their key under the clerk's id
    assert show(client, other).status_code == 401
    assert not is_in(client)


@pytest.mark.practice("AUTHN-09")
def test_what_is_asked_tells_nobody_who_has_a_passkey(clerk, device, acme):
    signed = browser()
    show(signed, device)
    stepping = browser()
    sign_in(stepping, clerk.email)
    for client in (browser(), signed, signed_in(acme.viewer.user), stepping):
        options = post(client, "passkeys/challenge/", login=clerk.email).json()
        assert len(options.pop("challenge")) == 43
        assert options == {
            "rpId": "api.strongroom.example",
            "userVerification": "required",
            "timeout": 300_000,
        }
    page = get(browser(), "login/").content
    assert b"Sign in with a passkey" in page
    assert b"Use a passkey" not in page


@pytest.mark.parametrize(
    "nonsense",
    ["", "{}", "[]", "null", "1", '"x"', "{", "x" * 20_000, "\0", "[" * 9000, '{"rawId": 1}'],
    ids=lambda it: it[:9],
)
@pytest.mark.practice("AUTHN-09")
def test_nonsense_is_answered_400(db, nonsense):
    client = browser()
    asked(client)
    answer = post(client, SIGN_IN, passkey=nonsense)
    assert answer.status_code == 400
    assert b"not accepted" in answer.content


def test_a_mangled_answer_is_refused_and_never_a_fault(device):
    values = ("!", "AA", text(b"\xff" * 40), text(b"\xbf" * 60), "_" * 3000, None, 7, [], {"a": 1})
    for part in ("clientDataJSON", "authenticatorData", "signature", "userHandle", "rawId", "type"):
        for value in values:
            client = browser()
            good = json.loads(device.get(asked(client), step=0))
            response = good["response"] | ({part: value} if part in good["response"] else {})
            mangled = good | ({part: value} if part in good else {}) | {"response": response}
            answer = post(client, SIGN_IN, passkey=json.dumps(mangled))
            if part == "type" and answer.status_code == 303:  # it says what is known anyway
                continue
            assert answer.status_code in (400, 401), (part, value)
            assert not is_in(client)


def test_a_body_that_is_too_large_is_refused(db):
    assert 400 <= post(browser(), SIGN_IN, passkey="x" * 400_000).status_code < 500


@pytest.mark.practice("AUTHN-13")
@pytest.mark.practice("AUTHN-09")
def test_ten_wrong_ones_shut_sign_in_for_the_network(device, clerk):
    client = browser()
    wrong = {"origin": "https://evil.example"}
    assert [show(client, device, **wrong).status_code for _ in range(11)] == [401] * 10 + [429]
    assert show(client, device).status_code == 429
    other_door = sign_in(client, clerk.email)
    assert other_door.status_code == 429
    assert int(other_door["Retry-After"]) > 800
    assert show(browser(), device).status_code == 303  # and the owner elsewhere gets in


@pytest.mark.practice("AUTHN-13")
def test_unknown_ones_are_counted_as_well(db):
    client = browser()
    answers = [show(client, Device(handle=uuid4().bytes)).status_code for _ in range(11)]
    assert answers == [401] * 10 + [429]


@pytest.mark.parametrize("path", [SIGN_IN, "passkeys/challenge/"])
@pytest.mark.practice("RATE-01")
@pytest.mark.practice("AUTHN-09")
def test_asking_and_answering_are_limited_by_network(db, settings, path):
    settings.RATES = settings.RATES | {"sign-in": Rate(3, 60)}
    client = browser()
    answers = [post(client, path).status_code for _ in range(4)]
    assert answers[:3] in ([200] * 3, [400] * 3)
    assert answers[3] == 429


@pytest.mark.practice("AUTHN-12")
def test_another_sites_form_asks_and_answers_nothing(device):
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    for path in (SIGN_IN, "passkeys/challenge/", STEP):
        assert post(client, path, passkey="{}").status_code == 403
    for path in ("passkeys/challenge/", STEP, "passkeys/new/challenge/"):
        assert get(client, path).status_code in (302, 405)
