"""The registry docs/practices.toml as Python sees it, and the tests that carry its ids."""

import ast
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
REGISTRY = ROOT / "docs" / "practices.toml"


@dataclass(frozen=True, slots=True)
class Sabotage:
    """A small change that takes one protection away, and the test that must turn red by it."""

    practice: str
    file: str
    find: str
    replace: str
    test: str

    def mutated(self, source: str) -> str:
        """`source` without the protection. Raises ValueError unless `find` stands there once."""
        if (times := source.count(self.find)) != 1:
            raise ValueError(f"`find` of {self.practice} stands {times} times in {self.file}")
        return source.replace(self.find, self.replace)

    @property
    def module(self) -> str:
        """The dotted name of the changed file, or of any other where it is no Python."""
        return dotted(self.file) if self.file.endswith(".py") else "config.urls"


@dataclass(frozen=True, slots=True)
class Practice:
    """One practice: what the registry says of it."""

    id: str
    title: str
    tier: str
    kind: str
    stage: str
    code: list[str]
    maps: list[str]
    cost: dict[str, float]
    leave_out: str
    sabotages: list[Sabotage]
    weaker: str = ""

    @property
    def symbols(self) -> Iterator[tuple[str, str]]:
        """The file and the dotted name of each piece of code."""
        for place in self.code:
            path, _, symbol = place.partition(":")
            yield path, symbol


@cache
def practices() -> dict[str, Practice]:
    """Every practice by its id, in the order of the registry."""
    return read_registry(REGISTRY.read_text())


def read_registry(registry: str) -> dict[str, Practice]:
    """The practices of a registry's text."""
    return {id: _practice(id, dict(row)) for id, row in tomllib.loads(registry).items()}


def _practice(id: str, row: dict[str, Any]) -> Practice:
    sabotages = [Sabotage(practice=id, **change) for change in row.pop("sabotage", [])]
    return Practice(id=id, sabotages=sabotages, **row)


def lines_of(practice: Practice) -> int:
    """The lines of all the code that a practice names, blank ones left out."""
    return sum(len(symbol_lines(path, symbol)) for path, symbol in practice.symbols)


def symbol_lines(path: str, symbol: str) -> list[str]:
    """The source of a function, a class or an assignment, decorators included; of a file that is
    no Python, all that is no comment.
    """
    source = (ROOT / path).read_text()
    if not symbol:
        return [line for line in source.splitlines() if line.strip() and line.strip()[0] != "#"]
    node = find(ast.parse(source).body, symbol.split("."))
    decorators = getattr(node, "decorator_list", [])
    start = min(part.lineno for part in [node, *decorators])
    lines = source.splitlines()[start - 1 : node.end_lineno]
    return [line for line in lines if line.strip()]


def find(body: list[ast.stmt], names: list[str]) -> ast.stmt:
    """The statement that gives `names` their value."""
    for node in body:
        if names[0] in defined_by(node):
            return (
                find(node.body, names[1:]) if isinstance(node, ast.ClassDef) and names[1:] else node
            )
    raise LookupError(".".join(names))


def defined_by(node: ast.stmt) -> list[str]:
    """The names that a statement defines."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def dotted(path: str) -> str:
    """`saas/edge/gate.py` as Python imports it."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def footer(practice: Practice) -> str:
    """How the section of a practice ends; the chapters are held to it."""
    command = f"`.venv/bin/python -m tests.sabotage {practice.id}`"
    tests = list(dict.fromkeys(sabotage.test for sabotage in practice.sabotages))
    parts = [
        "\n".join([f"**Break it**: {command} turns red", *(f"- `{test}`" for test in tests)]),
        f"**Cost**: {cost(practice)}.",
        f"**Leave it out**: {practice.leave_out}",
    ]
    if practice.weaker:
        parts.append(f"**Weaker than it could be**: {practice.weaker}")
    return "\n\n".join(parts)


def cost(practice: Practice) -> str:
    """Lines, queries and, where it was measured, time."""
    queries = int(practice.cost["queries"])
    words = [
        f"{practice.cost['lines']:g} lines",
        "no query" if queries == 0 else f"{queries} quer{'y' if queries == 1 else 'ies'}",
    ]
    if "microseconds" in practice.cost:
        words.append(f"{practice.cost['microseconds']:g} µs")
    return ", ".join(words)


@cache
def marked_tests() -> dict[str, list[str]]:
    """The node ids of the tests that are marked with each practice."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        module = ast.parse(path.read_text())
        name = path.relative_to(ROOT).as_posix()
        everywhere = _module_marks(module)
        for node_id, marks in _functions(module.body, name):
            for practice in everywhere + marks:
                found[practice].append(node_id)
    return found


def _functions(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, list[str]]]:
    for node in body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield f"{prefix}::{node.name}", _marks(*node.decorator_list)
        elif isinstance(node, ast.ClassDef):
            shared = _marks(*node.decorator_list)
            for node_id, marks in _functions(node.body, f"{prefix}::{node.name}"):
                yield node_id, shared + marks


def _module_marks(module: ast.Module) -> list[str]:
    """The practices of a whole module: `pytestmark = [...]`."""
    return [
        practice
        for node in module.body
        if isinstance(node, ast.Assign)
        and any(isinstance(name, ast.Name) and name.id == "pytestmark" for name in node.targets)
        for practice in _marks(node.value)
    ]


def _marks(*expressions: ast.expr) -> list[str]:
    """The arguments of every `….practice("…")` inside."""
    return [
        argument.value
        for expression in expressions
        for call in ast.walk(expression)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "practice"
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]
