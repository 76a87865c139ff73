"""Clients that pin two keys survive the change to the second, and refuse every other."""

import io
import os
import runpy
import shutil
import socket
import ssl
import subprocess
import tomllib
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.pins import checks, pins
from tests.gateway import HOST, certify, gateway
from tests.practices import ROOT

pytestmark = pytest.mark.practice("TRANS-06")
EXAMPLE = runpy.run_path(str(ROOT / "docs" / "examples" / "pinning_client.py"))


@pytest.fixture
def keys(tmp_path):
    """Three certificates for the same name: in use, in the safe, and an attacker's."""
    folders = [tmp_path / name for name in ("current", "backup", "stolen")]
    for folder in folders:
        folder.mkdir()
    return [certify(folder, HOST) for folder in folders]


def printed(*arguments, **options):
    """What `pin_set` prints, as its reader parses it."""
    out = io.StringIO()
    call_command("pin_set", *arguments, stdout=out, **options)
    return tomllib.loads(out.getvalue())


def test_the_pin_is_what_openssl_computes(keys):
    current, *_ = keys
    if not shutil.which("openssl"):
        pytest.skip("No openssl on this machine")
    script = (
        f"openssl x509 -in {current.chain} -pubkey -noout | openssl pkey -pubin -outform der"
        " | openssl dgst -sha256 -binary | openssl base64 -A"
    )
    told = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert pins.pin_of(current.chain.read_bytes()) == told
    assert pins.pin_of(current.key.read_bytes()) == told


def test_the_command_prints_the_current_and_the_backup_key(keys, settings):
    current, backup, _ = keys
    settings.SAAS_PINNED_KEYS = [str(current.chain), str(backup.key)]
    told = printed(days=90)
    expected = [pins.pin_of(key.chain.read_bytes()) for key in (current, backup)]
    assert [(row["key"], row["sha256"]) for row in told["pins"]] == [
        ("current", expected[0]),
        ("backup", expected[1]),
    ]
    assert told["expires_on"] == timezone.localdate() + timedelta(days=90)
    assert printed(str(backup.chain), str(current.chain))["pins"][0]["sha256"] == expected[1]


@pytest.mark.parametrize("days", [0, -1, 399])
def test_a_list_ends(keys, days):
    with pytest.raises(CommandError, match="--days"):
        printed(str(keys[0].chain), str(keys[1].chain), days=days)


def test_one_key_alone_is_refused(keys, tmp_path, settings):
    settings.SAAS_PINNED_KEYS = []
    current = str(keys[0].chain)
    for files in ([], [current], [current, current], [current, str(keys[0].key)]):
        with pytest.raises(CommandError, match="backup"):
            printed(*files)
    nonsense = tmp_path / "nonsense"
    nonsense.write_text("nothing")
    for files in ([current, str(nonsense)], [current, str(tmp_path / "absent")]):
        with pytest.raises(CommandError):
            printed(*files)


@contextmanager
def reached(monkeypatch, certificate):
    """A gateway that answers as HOST with this certificate."""
    with gateway("127.0.0.1:9", certificate=certificate) as edge:
        connect = socket.create_connection

        def here(_address, *rest, **options):
            return connect(("127.0.0.1", edge.https), *rest, **options)

        with monkeypatch.context() as patch:
            patch.setattr(socket, "create_connection", here)
            yield edge


def called(certificate, pinned, until=None):
    """The status that a pinning client hears, which trusts this certificate as its authority."""
    context = ssl.create_default_context(cafile=str(certificate.chain))
    until = until or timezone.localdate() + timedelta(days=90)
    client = EXAMPLE["PinnedConnection"](HOST, pins=pinned, until=until, context=context)
    try:
        client.request("GET", "/api/v1/me", headers={"X-API-Key": "CANARY"})
        return client.getresponse().status
    finally:
        client.close()


def test_a_change_to_the_backup_key_is_seen_by_nobody_and_another_key_is_refused(keys, monkeypatch):
    current, backup, stolen = keys
    pinned = {row["sha256"] for row in printed(str(current.chain), str(backup.chain))["pins"]}
    for certificate in (current, backup):  # the rotation
        with reached(monkeypatch, certificate) as edge:
            assert called(certificate, pinned) == 503  # nobody stands behind this gateway
            assert len(edge.lines(1)) == 1
    with reached(monkeypatch, stolen) as edge:
        with pytest.raises(EXAMPLE["UnknownKey"]):  # though its authority is trusted
            called(stolen, pinned)
        assert edge.log.read_text() == ""  # not a byte of the request left
        assert called(stolen, pinned, until=date(2026, 1, 1)) == 503  # old pins lock nobody out
    with pytest.raises(ValueError, match="backup"):
        called(current, {pins.pin_of(current.chain.read_bytes())})


@pytest.fixture
def listed(keys, settings, tmp_path):
    """Write a list for the first two keys that ends in so many days; give what the check says."""
    settings.SAAS_PINNED_KEYS = [str(keys[0].chain)]
    settings.SAAS_PINS = str(tmp_path / "pins.toml")

    def writing(days, *found):
        known = [pins.pin_of(key.chain.read_bytes()) for key in found or keys[:2]]
        until = timezone.localdate() + timedelta(days=days)
        (tmp_path / "pins.toml").write_text(pins.written(known, until))
        return [message.msg for message in checks.the_pins_still_fit()]

    return writing


def test_w001_a_list_that_ends_within_sixty_days(listed, settings):
    assert listed(60) == []
    for days in (59, 0, -1):
        (text,) = listed(days)
        assert "The pins end on" in text
    assert "pins.W001" in {message.id for message in run_checks(include_deployment_checks=True)}
    settings.SAAS_PINS = ""
    assert checks.the_pins_still_fit() == []  # who pins nothing has nothing to renew


def test_w001_a_list_without_a_backup_or_without_the_key_in_use(listed, keys):
    assert listed(90, keys[0]) == ["The list of pins holds no backup."]
    (text,) = listed(90, *keys[1:])
    assert "which is in use" in text


@pytest.mark.parametrize("text", ["", "nonsense", "expires_on = 1\npins = []", "pins = 3"])
def test_w001_a_list_that_cannot_be_read(listed, tmp_path, text):
    (tmp_path / "pins.toml").write_text(text)
    (found,) = checks.the_pins_still_fit()
    assert found.id == "pins.W001"
    os.unlink(tmp_path / "pins.toml")
    assert checks.the_pins_still_fit()
