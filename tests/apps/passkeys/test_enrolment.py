"""A person adds, renames and removes passkeys; each change asks who is there, and is told."""

import json

import pytest
from allauth.mfa.totp.internal.auth import generate_totp_secret
from fido2.cose import RS1, CoseKey

from apps.accounts.models import RecoveryCode
from apps.accounts.services import Totp
from apps.passkeys import services
from apps.passkeys.models import Passkey
from tests.apps.accounts.test_sign_in import FACTOR, PASSWORD, code_of, sign_in
from tests.apps.passkeys.device import (
    ATTESTED,
    PRESENT,
    SYNCED,
    VERIFIED,
    Device,
    add,
    asked,
    codes_on,
    show,
    with_passkey,
)
from tests.pages import browser, get, is_in, letters, post, signed_in

pytestmark = [pytest.mark.core]
NEW = "passkeys/new/create/"


@pytest.fixture
def clerk(acme):
    """Acme's clerk."""
    return acme.clerk.user


@pytest.mark.practice("AUTHN-09")
def test_a_person_adds_a_passkey_and_gets_recovery_codes_once(clerk):
    client, elsewhere = signed_in(clerk), signed_in(clerk)
    _, answer = add(client, name="Blue phone")
    assert (answer.status_code, answer["Location"]) == (303, "/accounts/2fa/codes/")
    assert len(codes_on(client)) == 10
    page = get(client, "").content.decode()
    assert "Blue phone" in page
    assert "10 recovery codes left" in page
    assert is_in(client)
    assert not is_in(elsewhere)
    assert letters(clerk.email)[0].subject == "A passkey was added to your account"
    _, second = add(client, name="Laptop", proof={"password": PASSWORD, "code": next_code(clerk)})
    assert second["Location"] == "/accounts/"
    assert Passkey.objects.filter(user=clerk).count() == 2


def next_code(user):
    """A recovery code that is good."""
    return services.make_recovery_codes(user)[0]


@pytest.mark.practice("X-16")
@pytest.mark.practice("AUTHN-09")
def test_an_open_session_is_not_enough_to_add_a_passkey(clerk, time_machine):
    time_machine.move_to("2026-11-22T12:00:00+00:00", tick=False)
    client = signed_in(clerk)
    assert post(client, "passkeys/new/", password="wrong").status_code == 400
    for path in ("passkeys/new/challenge/", NEW):
        assert post(client, path)["Location"] == "/accounts/passkeys/new/"
    post(client, "passkeys/new/", password=PASSWORD)
    options = post(client, "passkeys/new/challenge/").json()
    time_machine.shift(301)
    answer = post(client, NEW, name="Late", passkey=Device().create(options))
    assert answer["Location"] == "/accounts/passkeys/new/"
    assert not Passkey.objects.exists()


@pytest.mark.practice("AUTHN-09")
def test_who_asks_is_our_origin_whatever_the_request_says(clerk, settings):
    settings.ALLOWED_HOSTS = ["*"]
    client = signed_in(clerk)
    post(client, "passkeys/new/", password=PASSWORD)
    for path in ("passkeys/new/challenge/", "passkeys/challenge/"):
        answer = client.post(f"/accounts/{path}", secure=True, headers={"Host": "evil.example"})
        options = answer.json()
        assert options.get("rpId", options.get("rp", {}).get("id")) == "api.strongroom.example"
        assert "evil" not in answer.content.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://api.strongroom.example.evil.example"},
        {"origin": "https://sub.api.strongroom.example"},
        {"origin": "http://api.strongroom.example"},
        {"origin": "https://api.strongroom.example:8443"},
        {"rp": "strongroom.example"},
        {"cross": True},
        {"flags": PRESENT | ATTESTED},
        {"flags": VERIFIED | ATTESTED},
        {"flags": PRESENT | VERIFIED},
        {"cose": RS1({1: 3, 3: -65535, -1: b"\1" * 256, -2: b"\1\0\1"})},
        {"cose": CoseKey({1: 9, 3: -7777})},
    ],
    ids=str,
)
@pytest.mark.practice("AUTHN-09")
def test_a_passkey_made_elsewhere_or_by_nobody_is_not_kept(clerk, wrong):
    _, answer = add(signed_in(clerk), **wrong)
    assert answer.status_code == 400
    assert not Passkey.objects.exists()
    assert not RecoveryCode.objects.exists()


@pytest.mark.practice("AUTHN-09")
def test_a_challenge_makes_one_passkey_in_one_browser_for_five_minutes(clerk, time_machine):
    time_machine.move_to("2026-11-22T12:00:00+00:00", tick=False)
    client, other = signed_in(clerk), signed_in(clerk)
    for one in (client, other):
        post(one, "passkeys/new/", password=PASSWORD)
    options = post(client, "passkeys/new/challenge/").json()
    theirs = post(other, "passkeys/new/challenge/").json()
    answers = [Device().create(options) for _ in range(2)]
    assert post(client, NEW, name="A", passkey=Device().create(theirs)).status_code == 400
    assert post(client, NEW, name="A", passkey=answers[0]).status_code == 400  # it was used up
    asked(client)  # a challenge to sign is none to create
    assert post(client, NEW, name="A", passkey=answers[0]).status_code == 400
    assert not Passkey.objects.exists()


def test_one_device_is_kept_once_and_twenty_at_most(clerk, acme, monkeypatch):
    device, answer = add(signed_in(clerk))
    assert answer.status_code == 303
    _, again = add(signed_in(acme.owner.user), device)
    assert again.status_code == 400
    assert b"known already" in again.content
    monkeypatch.setattr(services, "MOST", 0)
    _, over = add(signed_in(acme.owner.user))
    assert b"Remove one first" in over.content
    assert Passkey.objects.count() == 1


def test_a_synced_passkey_is_said_to_be_synced(clerk):
    client = signed_in(clerk)
    add(client, flags=PRESENT | VERIFIED | SYNCED | ATTESTED)
    codes_on(client)
    assert "Synced" in get(client, "").content.decode()


def test_a_person_renames_their_own_passkey_and_nobody_elses(clerk, acme):
    with_passkey(clerk)
    passkey = Passkey.objects.get()
    client = browser()
    show(client, Device())  # nobody
    mallory = signed_in(acme.viewer.user)
    for path in (f"passkeys/{passkey.pk}/", f"passkeys/{passkey.pk}/remove/"):
        assert get(mallory, path).status_code == 404
        assert post(mallory, path, name="Mine", password=PASSWORD).status_code == 404
        assert get(client, path).status_code == 302
    passkey.refresh_from_db()
    assert passkey.name == "Phone"


@pytest.mark.practice("X-16")
@pytest.mark.practice("AUTHN-09")
def test_removal_asks_who_is_there_and_ends_other_sessions(clerk):
    device = with_passkey(clerk)
    passkey = Passkey.objects.get()
    client, elsewhere = browser(), browser()
    for one in (client, elsewhere):
        assert show(one, device).status_code == 303
    assert post(client, f"passkeys/{passkey.pk}/", name="Old phone").status_code == 303
    assert letters(clerk.email)[0].subject == "A passkey of your account was renamed"
    assert "Old phone" in get(client, "").content.decode()
    path = f"passkeys/{passkey.pk}/remove/"
    stranger = Device(handle=device.handle)
    for form in (
        {},
        {"password": PASSWORD},
        {"password": PASSWORD, "code": "000000"},
        {"passkey": "nonsense"},
        {"passkey": stranger.get(asked(client))},
    ):
        assert post(client, path, **form).status_code == 400
    assert Passkey.objects.exists()
    assert show(client, device, path).status_code == 303
    assert not Passkey.objects.exists()
    assert not RecoveryCode.objects.exists()  # nothing is left that they stand in for
    assert "removed" in letters(clerk.email)[0].subject
    assert is_in(client)
    assert not is_in(elsewhere)
    assert show(browser(), device).status_code == 401
    assert sign_in(browser(), clerk.email)["Location"] == "/accounts/"


def test_codes_stay_while_another_factor_is_there(clerk):
    seed = generate_totp_secret()
    with_passkey(clerk)
    Totp.activate(clerk, seed)
    client = browser()
    sign_in(client, clerk.email)
    client.post(FACTOR, {"code": code_of(seed)}, secure=True)
    code = next_code(clerk)
    assert post(client, "2fa/remove/", password=PASSWORD, code=code).status_code == 303
    assert RecoveryCode.objects.filter(user=clerk).count() == 9
    assert sign_in(browser(), clerk.email)["Location"].startswith(FACTOR)


def test_a_closed_account_has_no_passkeys(clerk):
    device = with_passkey(clerk)
    client = browser()
    show(client, device)
    assert show(client, device, "close/").status_code == 303
    assert not Passkey.objects.exists()
    assert show(browser(), device).status_code == 401


@pytest.mark.parametrize("passkey", ["", "{}", "[]", "null", "1", '"x"', "{", "x" * 20_000, "\0"])
def test_nonsense_is_answered_400(clerk, passkey):
    client = signed_in(clerk)
    post(client, "passkeys/new/", password=PASSWORD)
    post(client, "passkeys/new/challenge/")
    assert post(client, NEW, name="A", passkey=passkey).status_code == 400


def test_a_mangled_answer_is_answered_400(clerk):
    client = signed_in(clerk)
    post(client, "passkeys/new/", password=PASSWORD)
    options = post(client, "passkeys/new/challenge/").json()
    good = json.loads(Device().create(options))
    for value in ("!", "AA", "oWNmbXRkbm9uZQ", "gYGBgYGB", "_" * 3000, None, 7, [], {"a": 1}):
        for part in ("attestationObject", "clientDataJSON"):
            mangled = good | {"response": good["response"] | {part: value}}
            post(client, "passkeys/new/challenge/")
            answer = post(client, NEW, name="A", passkey=json.dumps(mangled))
            assert answer.status_code == 400, (part, value)
    assert not Passkey.objects.exists()


def test_an_owner_may_have_a_passkey_for_an_app_and_keeps_the_last_factor(acme):
    owner = acme.owner.user
    client = signed_in(owner)
    assert get(client, "")["Location"] == "/accounts/2fa/"
    assert b"Add a passkey" in get(client, "2fa/").content
    device, answer = add(client)
    assert answer.status_code == 303
    assert get(client, "").status_code == 200
    client = browser()
    show(client, device)
    refused = show(client, device, f"passkeys/{Passkey.objects.get().pk}/remove/")
    assert refused.status_code == 400
    assert b"Your role in an organization asks for a second factor" in refused.content
    assert Passkey.objects.exists()
