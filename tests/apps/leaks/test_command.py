"""A reader can be a reporter: the command makes a key, and signs what curl then sends."""

import json
import shlex
import stat
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from saas.persistence.worker import run_due
from tests.apps.leaks.conftest import PATH

pytestmark = [pytest.mark.core, pytest.mark.practice("X-21")]


def said(*arguments):
    """What the command prints."""
    out = StringIO()
    call_command("leak_report", *arguments, stdout=out)
    return out.getvalue().strip()


def test_the_printed_command_ends_the_key(acme, settings, tmp_path):
    settings.BASE_DIR = tmp_path
    name, _, path = said().partition("=")
    assert name == "SAAS_LEAK_REPORTERS_FILE"
    private = tmp_path / "var" / "leak-reporter.pem"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    before = private.read_bytes()
    with open(path) as file:
        settings.SAAS_LEAK_REPORTERS = json.load(file)
    words = shlex.split(said(acme.clerk.secret, "--url", "https://github.com/it's/here"))
    assert private.read_bytes() == before
    assert words[:3] == ["curl", "-i", settings.SAAS_ORIGIN + PATH]
    headers = dict(word.split(": ", 1) for word in words[4:10:2])
    answer = Client().generic(
        "POST", PATH, words[-1], headers.pop("Content-Type"), headers=headers, secure=True
    )
    assert answer.status_code == 204
    run_due()
    assert acme.clerk.get("customers").status_code == 401
