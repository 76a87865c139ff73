"""One command writes a resource that inherits the corridor: tried in a copy of the tree."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PARTS = ("saas", "apps", "config", "tests", "openapi", "manage.py", "pyproject.toml")


@pytest.fixture
def clone(tmp_path):
    """A copy of the tree, compiled as it is."""
    for part in PARTS:
        source, target = ROOT / part, tmp_path / part
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    return tmp_path


def run(clone, *command, **environment):
    """A command in the copy; its output when it fails."""
    done = subprocess.run(  # our own commands
        [sys.executable, *command],
        cwd=clone,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_a_new_resource_is_routed_permitted_walled_and_tested(clone):
    settings = {"DJANGO_SETTINGS_MODULE": "config.settings.test"}
    assert "apps/contracts is written" in run(
        clone, "manage.py", "startresource", "contract", **settings
    )
    run(clone, "manage.py", "makemigrations", "contracts", **settings)
    run(clone, "manage.py", "check", **settings)
    said = run(
        clone,
        *("-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:xdist"),
        *("tests/apps/contracts", "tests/matrix", "-k", "contracts"),
    )
    assert "passed" in said
    assert "failed" not in said


def test_a_name_that_is_taken_changes_nothing(clone):
    before = (clone / "config/v1.py").read_text()
    refused = subprocess.run(  # our own command
        [sys.executable, "manage.py", "startresource", "customer"],
        cwd=clone,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings.test"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode != 0
    assert "exists already" in refused.stderr
    assert (clone / "config/v1.py").read_text() == before
