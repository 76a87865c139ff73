"""A downloaded list of leaked passwords becomes an index, and what stands in it opens no account."""

import hashlib
import random

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command

from apps.accounts import leaked
from apps.accounts.passwords import Unlisted
from tests.apps.accounts.test_sign_in import PASSWORD
from tests.pages import NEW, post, signed_in

pytestmark = [pytest.mark.core]

KNOWN = "seven grey herons at high tide"


def downloaded(path, passwords):
    """The list as the downloader writes it: hashes in order, each with how often it was seen."""
    hashes = (hashlib.sha1(one.encode(), usedforsecurity=False).hexdigest() for one in passwords)
    path.write_text("\n".join(f"{name.upper()}:{at + 1}" for at, name in enumerate(sorted(hashes))))
    return path


@pytest.fixture
def many():
    """Twenty thousand passwords that somebody lost."""
    chance = random.Random(1)  # noqa: S311  # the same ones each time
    return [KNOWN, *(chance.randbytes(12).hex() for _ in range(20_000))]


@pytest.fixture
def index(tmp_path, many, settings):
    """Their index, in use."""
    path = tmp_path / "index"
    call_command("leaked_passwords", downloaded(tmp_path / "list", many), path)
    settings.SAAS_LEAKED_PASSWORDS = str(path)
    return leaked.index(str(path))


@pytest.mark.practice("X-14")
def test_a_leaked_password_opens_no_account_however_it_is_typed(index, acme):
    client = signed_in(acme.clerk.user)
    for leak in (KNOWN, KNOWN.upper(), f" {KNOWN.title()}"):
        answer = post(client, "password/", password=PASSWORD, new_password=leak)
        assert answer.status_code == 400
        assert b"known to those who guess" in answer.content
    assert post(client, "password/", password=PASSWORD, new_password=NEW).status_code == 303


@pytest.mark.practice("X-14")
def test_all_that_went_in_is_found_and_nothing_else(index, many):
    assert len(index) == len(many)
    assert [one for one in many if one not in index] == []
    assert [one for one in many if f"{one}!" in index] == []
    entries = [index[place] for place in range(len(index))]
    assert entries == sorted(entries)


def test_a_list_of_passwords_makes_the_same_index_as_one_of_hashes(index, many, tmp_path):
    plain, path = tmp_path / "plain", tmp_path / "another"
    plain.write_text("\n".join([*many, many[0], ""]))
    call_command("leaked_passwords", plain, path, plain=True)
    assert path.read_bytes() == (tmp_path / "index").read_bytes()


def test_what_was_seldom_seen_can_be_left_out(index, many, tmp_path):
    call_command("leaked_passwords", tmp_path / "list", tmp_path / "short", seen=15_001)
    assert len(leaked.index(str(tmp_path / "short"))) == len(many) - 15_000


@pytest.mark.practice("X-14")
@pytest.mark.parametrize(
    "nonsense", ["no hash", f"{'f' * 40}:1\n{'0' * 40}:1", "f" * 40 + ":often"]
)
def test_another_form_or_order_leaves_the_index_as_it_was(index, tmp_path, nonsense):
    before = (tmp_path / "index").read_bytes()
    (tmp_path / "wrong").write_text(nonsense)
    with pytest.raises(CommandError):
        call_command("leaked_passwords", tmp_path / "wrong", tmp_path / "index")
    assert (tmp_path / "index").read_bytes() == before
    assert not (tmp_path / "index.new").exists()


@pytest.mark.practice("X-14")
def test_a_list_that_is_named_and_not_there_is_an_error_and_not_an_empty_one(tmp_path, settings):
    (tmp_path / "other").write_bytes(b"no index at all")
    for name in ("absent", "other"):
        settings.SAAS_LEAKED_PASSWORDS = str(tmp_path / name)
        assert "accounts.E001" in {found.id for found in run_checks(tags=["security"])}
        with pytest.raises((OSError, ValueError)):
            Unlisted().validate(NEW)
    settings.SAAS_LEAKED_PASSWORDS = ""
    Unlisted().validate(NEW)
