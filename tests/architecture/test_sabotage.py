"""The runner behind `make sabotage`: what counts as noticed, and what proves nothing."""

import shutil
from pathlib import Path

import pytest

from tests.practices import ROOT, Sabotage, practices
from tests.sabotage import __main__ as runner
from tests.sabotage.__main__ import (
    changed_file,
    choose,
    reported,
    try_sabotage,
)
from tests.sabotage.trial import Verdict

PROJECT = {
    "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "--import-mode=importlib"\n',
    "config/__init__.py": "",
    "config/urls.py": "urlpatterns = []\n",
    "config/settings/__init__.py": "",
    "config/settings/test.py": 'SECRET_KEY = "x"\nROOT_URLCONF = "config.urls"\n',
    "guard.py": "def may(role):\n    return role == 'owner'\n",
    "test_alive.py": """
from guard import may

def test_an_owner_may():
    assert may("owner")
""",
    "test_guard.py": """
import pytest
from guard import may

@pytest.fixture
def clerk():
    assert not may("clerk")
    return "clerk"

def test_a_clerk_may_not():
    assert not may("clerk")

def test_an_owner_may_do_it():
    assert may("owner")

def test_a_clerk_may_not_at_all(clerk):
    assert not may(clerk)

@pytest.mark.skip(reason="elsewhere")
def test_that_does_not_run_here():
    assert not may("clerk")
""",
}
ALIVE = "test_alive.py::test_an_owner_may"
OPEN_DOOR = ("role == 'owner'", "role")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one guard, that needs none of our plugins."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for name, content in PROJECT.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "__init__.py").touch()
    shutil.copytree(ROOT / "tests" / "sabotage", tmp_path / "tests" / "sabotage")
    return tmp_path


def sabotage(find: str, replace: str, test: str = "test_a_clerk_may_not") -> Sabotage:
    """A change of the guard."""
    return Sabotage("AUTHZ-01", "guard.py", find, replace, f"test_guard.py::{test}")


def tried(tree: Path, *change: str) -> Verdict:
    """How a change of the guard ends."""
    return try_sabotage(tree, sabotage(*change), ALIVE).verdict


def test_a_protection_is_noticed_when_its_test_fails_without_it(tree):
    assert tried(tree, *OPEN_DOOR) == Verdict.RED


def test_a_test_that_passes_all_the_same_has_noticed_nothing(tree):
    assert tried(tree, *OPEN_DOOR, "test_an_owner_may_do_it") == Verdict.GREEN


@pytest.mark.parametrize("broken", ["role ==", "import_what_is_not_there()\ndef may(role):"])
def test_code_that_cannot_be_imported_proves_nothing(tree, broken):
    assert tried(tree, PROJECT["guard.py"], broken) == Verdict.VOID


def test_a_change_that_breaks_everything_proves_nothing(tree):
    assert tried(tree, "role == 'owner'", "no_such_name") == Verdict.VOID


@pytest.mark.parametrize(
    "test",
    ["test_a_clerk_may_not_at_all", "test_that_does_not_run_here", "test_that_nobody_wrote"],
)
def test_a_test_that_does_not_run_to_its_end_proves_nothing(tree, test):
    assert tried(tree, *OPEN_DOOR, test) == Verdict.VOID


def test_what_was_not_noticed_is_reported_with_the_words_of_its_test(tree):
    change = sabotage(*OPEN_DOOR, "test_an_owner_may_do_it")
    line, *words = reported(change, try_sabotage(tree, change, ALIVE)).splitlines()
    assert line.startswith("AUTHZ-01  NOT NOTICED")
    assert "2 passed" in words[-1]


def test_the_protection_is_back_afterwards(tree):
    same_size = ("role == 'owner'", "role >= 'clerk'")  # Python's cache would fit both
    assert tried(tree, *same_size) == Verdict.RED
    assert (tree / "guard.py").read_text() == PROJECT["guard.py"]
    assert tried(tree, "role == 'owner'", "'owner' == role") == Verdict.GREEN


def test_a_change_that_fits_in_two_places_or_in_none_is_refused():
    for find in ("owner", "clerk"):
        with pytest.raises(ValueError, match="times in guard"):
            sabotage(find, "").mutated("owner and owner")


def test_a_file_is_restored_when_the_trial_itself_breaks(tree):
    with pytest.raises(KeyboardInterrupt), changed_file(tree / "guard.py", str.upper):
        raise KeyboardInterrupt
    assert (tree / "guard.py").read_text() == PROJECT["guard.py"]


def test_every_protection_is_tried_unless_somebody_asks_for_some():
    everything = list(choose([], None))
    assert {change.practice for change in everything} == {
        practice.id for practice in practices().values() if practice.kind == "code"
    }
    asked = list(choose(["AUTHZ-02", "LOG-01"], None))
    assert {change.practice for change in asked} == {"AUTHZ-02", "LOG-01"}
    with pytest.raises(ValueError, match="AUTHZ-99"):
        list(choose(["AUTHZ-99"], None))


def test_against_a_commit_only_what_differs_is_tried(monkeypatch):
    files = ["saas/ids.py", "tests/saas/edge/test_gate.py"]
    before = {change for change in choose([], None) if change.practice != "LOG-01"}
    monkeypatch.setattr(runner, "listed", lambda *command: files)
    monkeypatch.setattr(runner, "sabotages_of", lambda base: before)
    chosen = list(choose([], "HEAD"))
    assert {change.practice for change in chosen if change.file == "saas/ids.py"} == {"AUTHZ-04"}
    assert any(change.file == "saas/edge/gate.py" for change in chosen)  # its test differs
    assert any(change.practice == "LOG-01" for change in chosen)  # new in the registry
    for change in chosen:
        places = {change.file, change.test.partition("::")[0]}
        assert change.practice == "LOG-01" or places & set(files)


def test_against_a_commit_that_is_not_here_everything_is_tried(capsys):
    assert list(choose([], "0" * 40)) == list(choose([], None))
    assert "no commit here" in capsys.readouterr().out
