"""Each alert leads to a page that says what to do."""

import ast
from importlib import import_module

import pytest

from apps.operations import playbooks
from saas.alerts import PLAYBOOKS, playbook_of
from tests.practices import ROOT, dotted

pytestmark = [pytest.mark.core, pytest.mark.practice("LOG-13")]

SECTIONS = ["Trigger", "Roles", "Steps", "Verify", "Roll back", "Time target"]


def raised():
    """The kinds of alert that the code raises, as far as they stand in the call itself."""
    for path in [*(ROOT / "saas").rglob("*.py"), *(ROOT / "apps").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and len(node.args) > 1:
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name == "alert":
                    if isinstance(node.args[1], ast.Constant):
                        yield node.args[1].value
                    elif isinstance(node.args[1], ast.Attribute):
                        whole = import_module(dotted(str(path.relative_to(ROOT))))
                        owner = getattr(whole, getattr(node.args[1].value, "id", ""), None)
                        if owner is not None:
                            yield str(getattr(owner, node.args[1].attr))


def test_every_kind_that_is_raised_has_a_playbook():
    kinds = set(raised())
    assert {"task.dead", "api-key.exposed"} <= kinds
    assert kinds <= PLAYBOOKS.keys()


@pytest.mark.parametrize("slug", sorted(set(PLAYBOOKS.values())))
def test_a_playbook_says_all_that_somebody_at_night_needs(slug, stranger):
    _, sections = playbooks.read(slug)
    assert [section.title for section in sections[1:]] == SECTIONS
    assert all(section.parts for section in sections[1:])
    assert dict(sections[3].parts)["ol"]
    page = stranger("GET", f"/docs/playbooks/{slug}")
    assert page.status_code == 200
    assert "<h2>Steps</h2>" in page.text


@pytest.mark.parametrize("slug", ["nothing", "..", "%2e%2e", "readme"])
def test_there_are_no_others(slug, stranger):
    assert stranger("GET", f"/docs/playbooks/{slug}").status_code == 404


def test_what_has_none_says_so():
    assert playbook_of("house.burning") is None
    assert playbook_of("task.dead").endswith("/docs/playbooks/dead-task")
