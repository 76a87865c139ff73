"""The path is written down several times: as execution, as law and as chapters. They agree."""

import ast
import re
import tomllib
from collections.abc import Iterator

from django.conf import settings

from tests.practices import ROOT

BUSINESS = "services"  # the chapter of the apps' own rooms stands between validation and storage
AFTER = "validation"


def law() -> list[str]:
    """The stages as the import contract orders them, the first of the path first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = [c["layers"] for c in contracts["contracts"] if c.get("containers") == ["saas"]]
    single = [layer.strip("()") for layer in layers if ":" not in layer]
    return single[::-1]


def spine() -> list[str]:
    """The stages as `SecureViewSet.initial` walks them: the first room of each of its lines."""
    tree = ast.parse((ROOT / "saas" / "view.py").read_text())
    rooms = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("saas."):
            for alias in node.names:
                stage = f"{node.module}.{alias.name}".split(".")[1]
                rooms[alias.asname or alias.name] = stage
    (view,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    methods = {node.name: node for node in view.body if isinstance(node, ast.FunctionDef)}

    def walked(node: ast.AST) -> Iterator[str]:
        """The rooms that a line enters, in the order of its words, through our own methods too."""
        for child in ast.iter_child_nodes(node):
            yield from walked(child)
        if isinstance(node, ast.Name) and rooms.get(node.id) in law():
            yield rooms[node.id]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner, name = node.func.value, node.func.attr
            if isinstance(owner, ast.Name) and owner.id == "self" and name in methods:
                for line in methods[name].body:
                    yield from walked(line)

    lines = (next(walked(line), None) for line in methods["initial"].body)
    return [stage for stage in lines if stage]


def chapters() -> list[str]:
    """The chapters that exist, in their order."""
    names = sorted(path.stem for path in (ROOT / "docs" / "path").glob("[0-9][0-9]-*.md"))
    return [re.sub(r"^\d\d-", "", name) for name in names]


def path() -> list[str]:
    """The law, with the chapter of the apps' own rooms in its place."""
    at = law().index(AFTER) + 1
    return [*law()[:at], BUSINESS, *law()[at:]]


def in_order(some: list[str], whole: list[str]) -> bool:
    """Whether `some` stands in `whole`, in the same order and each once."""
    return some == [stage for stage in whole if stage in some]


def test_the_law_names_every_stage_that_there_is():
    folders = {path.parent.name for path in (ROOT / "saas").glob("*/__init__.py")}
    assert folders <= set(law())
    for stage in folders:
        question = ast.get_docstring(ast.parse((ROOT / "saas" / stage / "__init__.py").read_text()))
        assert question
        assert question.endswith("?")
        assert "\n" not in question


def test_the_spine_walks_the_stages_as_the_law_orders_them():
    walk = spine()
    distinct = [stage for at, stage in enumerate(walk) if stage != walk[at - 1] or at == 0]
    before_the_business = law()[: law().index("persistence") + 1]
    # The last line looks back, as DESIGN lets it: a guarded field is refused where no row is named.
    assert distinct[: len(before_the_business)] == before_the_business


def test_the_chapters_follow_the_law():
    there = [name for name in path() if name == BUSINESS or (ROOT / "saas" / name).is_dir()]
    assert in_order(chapters(), path())
    assert chapters() == there


def test_what_runs_before_every_view_is_the_edge_and_its_own_order_holds():
    ours = [name for name in settings.MIDDLEWARE if name.startswith("saas.")]
    assert [name.split(".")[1] for name in ours] == ["edge", "edge", "edge", "authentication"]
    assert settings.MIDDLEWARE[:3] == ours[:3]  # nobody stands before our own doors
    assert settings.MIDDLEWARE[-1] == ours[-1]  # for pages alone
    assert [name.rpartition(".")[2] for name in ours] == [
        "RequestLog", "SecurityHeaders", "Gate", "ForPages"
    ]  # fmt: skip


def test_no_middleware_lets_a_session_into_the_api():
    django = [name for name in settings.MIDDLEWARE if name.startswith("django.")]
    assert [name.rpartition(".")[2] for name in django] == ["ContentSecurityPolicyMiddleware"]


def test_the_rooms_of_an_app_are_those_that_the_law_knows():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = [c["layers"] for c in contracts["contracts"] if c.get("containers") == ["apps.*"]]
    assert [layer.strip("()") for layer in layers] == [
        "urls", "views", "serializers", "services", "queries", "access", "models"
    ]  # fmt: skip
