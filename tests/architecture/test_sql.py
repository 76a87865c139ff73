"""Values travel to the database as parameters: no statement of the project is put together."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.practices import ROOT

pytestmark = pytest.mark.practice("INPUT-06")

FILES = [path for folder in ("saas", "apps", "config") for path in (ROOT / folder).rglob("*.py")]
NAMES_ONLY = {  # statements of names that no caller chooses
    "saas/persistence/guards/__init__.py": "triggers, by the names that models gave them",
    "saas/persistence/guards/grants.py": "tables and roles, from the model classes",
    "saas/persistence/guards/postgresql.py": "tables and columns, likewise",
    "saas/persistence/guards/proving.py": "columns, from the proofs that modules declare",
    "saas/persistence/guards/sqlite.py": "tables and columns, likewise",
    "saas/persistence/statements.py": "a table and its columns, from the model class",
    "apps/operations/recreate.py": "the tables that the owner owns, quoted, in development alone",
}
SQL = re.compile(
    r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|ALTER|CREATE|DROP|TRUNCATE|GRANT|REVOKE|SET)\s", re.I
)
PAST_THE_ORM = {"raw", "extra", "RawSQL"}


def faults(path: Path) -> Iterator[str]:
    """The places of a file where a value could become part of a statement."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in PAST_THE_ORM:
                yield f"{path.name}:{node.lineno} {name}()"
            if name in ("execute", "executemany") and node.args and is_put_together(node.args[0]):
                yield f"{path.name}:{node.lineno} a statement in pieces"
        elif isinstance(node, ast.JoinedStr) and SQL.match(beginning(node)):
            yield f"{path.name}:{node.lineno} SQL as an f-string"


def is_put_together(statement: ast.expr) -> bool:
    """Whether a statement is formatted, added or joined rather than written out."""
    if isinstance(statement, ast.Call):
        return getattr(statement.func, "attr", "") in ("format", "join", "replace")
    return isinstance(statement, (ast.JoinedStr, ast.BinOp))


def beginning(text: ast.JoinedStr) -> str:
    """The first piece of an f-string, if it is fixed."""
    first = text.values[0] if text.values else None
    return str(first.value) if isinstance(first, ast.Constant) else ""


def test_no_statement_is_put_together():
    found = [
        fault
        for path in FILES
        if path.relative_to(ROOT).as_posix() not in NAMES_ONLY
        for fault in faults(path)
    ]
    assert found == []


def test_each_exception_is_still_one():
    for name in NAMES_ONLY:
        assert list(faults(ROOT / name)), f"{name} needs no exception any more"


@pytest.mark.parametrize(
    "line",
    [
        "cursor.execute(f\"SELECT set_config('app.tenant', '{tenant}', true)\")",
        "cursor.execute('SELECT %s' % name)",
        "cursor.execute('SELECT ' + name)",
        "cursor.execute('SELECT {}'.format(name))",
        "sql = f'delete from {table}'",
        "Customer.objects.raw('SELECT 1')",
        "rows.extra(where=['1'])",
        "rows.annotate(x=RawSQL('1', []))",
    ],
)
def test_each_way_to_put_one_together_is_seen(tmp_path, line):
    (tmp_path / "view.py").write_text(line)
    assert len({fault.partition(" ")[0] for fault in faults(tmp_path / "view.py")}) == 1


def test_a_statement_with_parameters_is_fine(tmp_path):
    (tmp_path / "view.py").write_text("cursor.execute('SELECT %s', [name])\nprint(f'{name} left')")
    assert list(faults(tmp_path / "view.py")) == []
