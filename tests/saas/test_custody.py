"""The keys of keys: named by what they wrap, asked seldom, forgotten soon, and silent when they are
not there.
"""

import base64
import logging
import time

import pytest

from saas import crypto, custody
from saas.crypto import Unreadable
from saas.errors import Problem
from saas.persistence.encryption import forget_rings
from tests.saas.walls import write

pytestmark = [pytest.mark.core, pytest.mark.practice("DATA-05")]

HERE = b"a place"


@pytest.fixture(autouse=True)
def fresh():
    """No test goes by what another one opened."""
    custody.forget()
    forget_rings()
    yield
    custody.forget()
    forget_rings()


@pytest.fixture
def ring(settings, tmp_path):
    """A file of keys, and its path."""
    path = tmp_path / "kek"
    path.write_text(base64.b64encode(crypto.random_key()).decode())
    settings.SAAS_KEK_FILE = str(path)
    return path


class Down:
    """A provider that does not answer."""

    calls = 0

    def __getattr__(self, name):
        def asked(*_):
            Down.calls += 1
            raise custody.ProviderDown("nobody answers")

        return asked


@pytest.fixture
def down(monkeypatch):
    """From now on nobody answers."""
    Down.calls = 0
    monkeypatch.setattr(custody, "provider", Down)


def test_what_is_wrapped_names_its_key_and_opens_in_its_place_alone(ring):
    key = crypto.random_key()
    wrapped = custody.wrap(key, HERE)
    assert custody.parts_of(wrapped).key_id == custody.provider().current()
    assert custody.unwrap(wrapped, HERE) == key
    assert key not in wrapped
    renamed = b"000000000000" + wrapped[12:]
    for box, where in ((wrapped, b"elsewhere"), (renamed, HERE), (wrapped[:-1], HERE), (b"", HERE)):
        with pytest.raises(Unreadable):
            custody.unwrap(box, where)


@pytest.mark.parametrize("size", [0, 1, 100_000])
def test_what_is_locked_may_be_long_and_is_bound_too(ring, size):
    text = b"x" * size
    locked = custody.lock(text, HERE)
    assert custody.unlock(locked, HERE) == text
    for box, where in (
        (locked, b"elsewhere"),
        (locked[:-1], HERE),
        (b"\x00\x05abc", HERE),
        (b"", HERE),
    ):
        with pytest.raises(Unreadable):
            custody.unlock(box, where)


@pytest.mark.practice("DATA-04")
def test_a_new_key_wraps_at_once_the_old_one_still_opens_and_a_retired_one_never_again(ring):
    wrapped, locked = custody.wrap(b"k" * 32, HERE), custody.lock(b"text", HERE)
    former, current = custody.provider().current(), custody.provider().rotate()
    assert current == custody.provider().current() != former
    assert custody.provider().names() == [current, former]
    custody.forget()
    assert custody.unwrap(wrapped, HERE) == b"k" * 32
    assert custody.unlock(locked, HERE) == b"text"
    moved, relocked = custody.rewrap(wrapped, HERE), custody.relock(locked)
    assert custody.parts_of(moved).key_id == custody.key_of(relocked) == current
    assert custody.key_of(custody.lock(b"later", HERE)) == current
    custody.provider().retire(former)
    custody.forget()
    assert custody.unlock(relocked, HERE) == b"text"
    assert custody.unwrap(moved, HERE) == b"k" * 32
    for call in (lambda: custody.unwrap(wrapped, HERE), lambda: custody.unlock(locked, HERE)):
        with pytest.raises(Unreadable):
            call()
    assert ring.stat().st_mode & 0o777 == 0o600


def test_a_key_in_the_environment_changes_by_the_operators_hand_alone(settings):
    old, new = (base64.b64encode(crypto.random_key()).decode() for _ in range(2))
    settings.SAAS_KEK = old
    wrapped = custody.wrap(b"k" * 32, HERE)
    with pytest.raises(custody.ProviderDown, match="environment"):
        custody.provider().rotate()
    settings.SAAS_KEK = f"{new} {old}"
    assert custody.unwrap(wrapped, HERE) == b"k" * 32
    assert (
        custody.parts_of(custody.wrap(b"k" * 32, HERE)).key_id != custody.parts_of(wrapped).key_id
    )


@pytest.mark.parametrize("text", ["", "short", "====", base64.b64encode(b"x" * 31).decode()])
def test_a_keyring_that_cannot_be_read_is_a_provider_that_is_down(settings, text):
    settings.SAAS_KEK = text
    with pytest.raises(Problem) as refusal:
        custody.wrap(b"k" * 32, HERE)
    assert (refusal.value.code, refusal.value.headers["Retry-After"]) == ("not-ready", "2")


def test_an_opened_key_is_asked_for_once_and_again_when_its_life_is_over(
    ring, settings, monkeypatch
):
    locked = custody.lock(b"text", HERE)
    custody.forget()
    custody.asked.clear()
    for _ in range(5):
        custody.unlock(locked, HERE)
    name = ("unwrap", custody.key_of(locked))
    assert custody.asked[name] == 1
    life = settings.KEYS.opened.total_seconds()
    later = time.monotonic() + life
    monkeypatch.setattr(custody.time, "monotonic", lambda: later)
    custody.unlock(locked, HERE)
    assert custody.asked[name] == 2


def test_no_more_opened_keys_are_kept_than_the_bound_says(ring, settings):
    settings.KEYS = settings.KEYS._replace(kept=3)
    for number in range(10):
        custody.opened.key(custody.wrap(b"k" * 32, b"%d" % number), b"%d" % number)
    assert len(custody.opened._held) == 3


def test_every_unwrap_is_counted_and_logged_by_the_name_of_the_key_and_never_the_key(ring, caplog):
    key = crypto.random_key()
    wrapped = custody.wrap(key, HERE)
    name = custody.parts_of(wrapped).key_id
    custody.asked.clear()
    with caplog.at_level(logging.INFO, logger="saas.keys"):
        custody.unwrap(wrapped, HERE)
        with pytest.raises(Unreadable):
            custody.unwrap(wrapped, b"elsewhere")
    assert custody.asked == {("unwrap", name): 2}
    assert [record.getMessage() for record in caplog.records] == [
        f"key {name} opened a place",
        f"key {name} refused to open elsewhere",
    ]
    assert key.hex() not in caplog.text
    assert str(key) not in caplog.text


@pytest.mark.practice("X-22")
def test_a_provider_that_is_down_is_a_503_with_retry_after_and_nothing_is_waved_through(acme, down):
    from tests.toy.models import Note

    for answer in (
        acme.owner.post("notes", {"title": "x", "body": "canary-3f"}),
        acme.owner.post("notes", {"title": "x", "body": "canary-3f"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "not-ready")
        assert answer["Retry-After"] == "2"
        assert b"canary" not in answer.content
    assert Down.calls == 1  # the second did not wait for the same silence
    from saas.tenancy.binding import bind

    with bind(acme.id):
        assert not Note.objects.exists()


@pytest.mark.practice("X-22")
def test_while_the_provider_is_down_what_is_open_stays_readable_until_its_life_is_over(
    acme, settings, monkeypatch
):
    note = write(acme, body="canary-4d")
    assert acme.owner.get(f"notes/{note.pk}").json()["body"] == "canary-4d"
    monkeypatch.setattr(custody, "provider", Down)
    assert acme.owner.get(f"notes/{note.pk}").json()["body"] == "canary-4d"
    custody.opened.forget()
    answer = acme.owner.get(f"notes/{note.pk}")
    assert (answer.status_code, answer.json()["code"]) == (503, "not-ready")
    assert b"canary" not in answer.content
