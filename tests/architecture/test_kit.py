"""The kit can be lifted out: its own tests are green without the trade that this product is in."""

import ast
import os
import subprocess
import sys

import pytest

from tests.practices import ROOT

LEFT_OUT = ("apps.customers", "apps.invoices")
RULES = [  # where the product would show first; the drill runs all of the kit's own tests
    "tests/saas/test_view.py",
    "tests/saas/test_checks.py",
    "tests/saas/tenancy",
    "tests/saas/authorization",
    "tests/saas/disclosure",
    "tests/saas/persistence/test_walls.py",
    "tests/saas/persistence/test_tenant.py",
]
TOGETHER = {"accounts", "organizations", "integrations", "activity"}  # every product has these
ALONE = {
    "DJANGO_SETTINGS_MODULE": "tests.toy.settings",
    "SAAS_TEST_DATABASE": "sqlite",
    "DATABASE_URL": "",
    "DATABASE_OWNER_URL": "",
    "REDIS_URL": "",
}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A process of its own, in which the kit carries the toy."""
    environment = os.environ | ALONE
    environment.pop("PYTEST_XDIST_WORKER", None)
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("tests", [RULES, pytest.param(["tests/saas"], marks=pytest.mark.drill)])
def test_the_kits_own_tests_are_green_with_the_toy_alone(tests):
    ended = run("-m", "pytest", *tests, "-q", "--ds=tests.toy.settings", "-p", "no:xdist")
    assert ended.returncode == 0, ended.stdout[-5000:] + ended.stderr[-2000:]
    assert " passed" in ended.stdout


def test_nothing_of_the_kit_knows_a_customer_or_an_invoice():
    ended = run(
        "-c",
        "import django, sys; django.setup(); import tests.toy.urls, saas.checks, saas.schema; "
        "from django.core.management import call_command; call_command('check'); "
        f"print(sorted(m for m in sys.modules if m.startswith({LEFT_OUT!r})))",
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("folder", ["tests/saas", "tests/toy", "saas"])
def test_the_kit_its_tests_and_the_toy_name_no_other_app(folder):
    named = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("apps."):
                named.add(str(node.module).split(".")[1])
            if isinstance(node, ast.Import):
                named |= {a.name.split(".")[1] for a in node.names if a.name.startswith("apps.")}
    assert named <= (TOGETHER if folder.startswith("tests") else set())
