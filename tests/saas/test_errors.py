"""One vocabulary of refusals: every code means one status and has a page that helps."""

import ast
import re
from pathlib import Path

import pytest
from django.apps import apps

from saas import errors
from saas.errors import CATALOGUE, FieldError, Problem, invalid
from saas.responses import problems

pytestmark = [pytest.mark.core, pytest.mark.practice("X-03")]

OF_THE_CONTRACT = {
    "invalid-request": 400, "invalid-token": 401, "insufficient-scope": 403,
    "permission-denied": 403, "not-found": 404, "method-not-allowed": 405, "conflict": 409,
    "precondition-failed": 412, "body-too-large": 413, "unsupported-media-type": 415,
    "idempotency-mismatch": 422, "precondition-required": 428, "rate-limited": 429,
    "internal-error": 500, "not-ready": 503, "https-required": 403, "credential-in-url": 400,
    "multiple-credentials": 400,
}  # fmt: skip


def test_the_codes_of_the_contract_have_its_statuses():
    assert OF_THE_CONTRACT.items() <= {c: kind.status for c, kind in CATALOGUE.items()}.items()


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_every_code_is_kebab_case_with_a_title_and_help_for_an_honest_client(code):
    kind = CATALOGUE[code]
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
    assert 400 <= kind.status < 600
    assert not kind.title.endswith(".")
    assert kind.help.endswith(".")
    assert len(kind.help) > 15


def test_no_two_codes_have_the_same_page():
    assert len({kind.help for kind in CATALOGUE.values()}) == len(CATALOGUE)
    assert len({kind.title for kind in CATALOGUE.values()}) == len(CATALOGUE)


def test_every_code_that_the_code_raises_is_in_the_catalogue():
    raised = set()
    root = Path(errors.__file__).parents[1]
    installed = [Path(app.path) for app in apps.get_app_configs()]  # a module brings its own codes
    for folder in (root / "saas", *(path for path in installed if path.parent == root / "apps")):
        for path in folder.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Problem":
                    raised |= {a.value for a in node.args[:1] if isinstance(a, ast.Constant)}
    assert len(raised) > 10
    assert raised <= CATALOGUE.keys()
    assert set(problems.BY_STATUS.values()) <= CATALOGUE.keys()
    assert all(CATALOGUE[code].status == s for s, code in problems.BY_STATUS.items())


def test_an_unknown_code_cannot_be_raised():
    with pytest.raises(KeyError):
        Problem("made-up")


def test_a_document_has_the_members_of_the_standard_and_no_others(settings):
    document = Problem("conflict", "It is issued.").document("7")
    assert document == {
        "type": f"{settings.SAAS_ORIGIN}/docs/problems/conflict",
        "title": CATALOGUE["conflict"].title,
        "status": 409,
        "detail": "It is issued.",
        "instance": "urn:uuid:7",
        "code": "conflict",
    }


def test_a_400_always_lists_what_is_wrong():
    assert Problem("multiple-credentials").document("7")["errors"] == []
    assert invalid("required", "Missing.", pointer="/a").document("7")["errors"] == [
        {"code": "required", "detail": "Missing.", "pointer": "/a"}
    ]
    assert FieldError("x", "y", parameter="z").as_json().keys() == {"code", "detail", "parameter"}


def test_a_503_always_says_when_to_come_back():
    assert int(Problem("not-ready").headers["Retry-After"]) >= 1
    assert Problem("not-ready", headers={"Retry-After": "9"}).headers["Retry-After"] == "9"
