"""A module can be taken away whole: its folder, its tests, its lines, its rows and its sections."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.util import cache_from_source
from pathlib import Path

import pytest
from django.conf import settings

from tests.practices import ROOT, practices
from tests.sabotage.__main__ import copied

MODULES: list[str] = settings.MODULES
EACH_ALONE = [[module] for module in MODULES]
ALL = [MODULES] if len(MODULES) > 1 else []
HEADER = re.compile(r"^\[+([A-Z]+-\d\d)[\].]", re.MULTILINE)
SECTION = re.compile(r"^## ", re.MULTILINE)
COMMANDS = """
import django
django.setup()
from django.core.management import call_command
call_command("check")
call_command("makemigrations", check_changes=True, dry_run=True)
call_command("openapi")
"""
RULES = ("test_practices", "test_chapters", "test_order", "test_openapi")
WITHOUT_TABLES = ("-k", "not is_answered_as_the_page_says")  # the drill asks those too
ALONE = {
    "DJANGO_SETTINGS_MODULE": "config.settings.test",
    "SAAS_TEST_DATABASE": "sqlite",
    "DATABASE_URL": "",
    "DATABASE_OWNER_URL": "",
    "REDIS_URL": "",
}

without = pytest.mark.parametrize(
    "modules", [*EACH_ALONE, *ALL], ids=lambda names: " ".join(n.rpartition(".")[2] for n in names)
)


@without
def test_without_a_module_the_rest_starts_and_without_all_it_keeps_its_rules(modules, tmp_path):
    tree = taken_away(compiled(copied(tmp_path / "tree")), modules)
    run(tree, "-c", COMMANDS)
    if modules != MODULES:
        return  # the drill holds each of them to the rules, and to all else
    rules = [f"tests/architecture/{name}.py" for name in RULES]
    run(tree, "-m", "pytest", "-q", *rules, *WITHOUT_TABLES, *QUIET)


@without
@pytest.mark.drill
def test_without_a_module_the_whole_suite_is_green(modules, tmp_path):
    tree = taken_away(copied(tmp_path / "tree"), modules)
    me = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.com"]
    for command in (["init", "-q"], ["add", "-A"], [*me, "commit", "-qm", "without"]):
        subprocess.run(["git", *command], cwd=tree, check=True)  # what asks for a commit finds one
    left_out = "--ignore=tests/architecture/test_modules.py"
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", left_out]
    subprocess.run(command, cwd=tree, check=True)


def test_every_module_has_its_line_in_the_contract_and_a_row_in_the_registry():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    [listed] = [
        contract["protected_modules"]
        for contract in contracts["contracts"]
        if contract["name"] == "Nobody imports a module"
    ]
    assert listed == MODULES == sorted(MODULES)
    for module in MODULES:
        assert rows_of([module]), module


def test_what_is_of_the_tier_of_modules_stands_in_one():
    assert rows_of(MODULES) == {
        practice.id for practice in practices().values() if practice.tier == "module"
    }


QUIET = ("-p", "no:xdist", "-p", "no:cacheprovider", "--no-header")


def run(tree: Path, *arguments: str) -> None:
    """Python in `tree`, without any server; it must end well."""
    environment = os.environ | ALONE
    environment.pop("PYTEST_XDIST_WORKER", None)
    command = [sys.executable, *arguments]
    ended = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout[-5000:] + ended.stderr[-3000:]


def taken_away(tree: Path, modules: list[str]) -> Path:
    """`tree` as a clone leaves it that does not want `modules`."""
    for module in modules:
        for folder in folders_of(module):
            shutil.rmtree(tree / folder, ignore_errors=True)
        for file in ("config/settings/base.py", "pyproject.toml"):
            rewrite(tree / file, lambda text, line=f'    "{module}",\n': text.replace(line, ""))
        place = f"]({folders_of(module)[0]})"
        rewrite(tree / "README.md", lambda text, place=place: but_for_lines(text, place))
    gone = rows_of(modules)
    rewrite(tree / "docs" / "practices.toml", lambda text: but_for_rows(text, gone))
    for chapter in sorted((tree / "docs" / "path").glob("*.md")):
        if f"saas.{chapter.stem[3:]}" in modules:  # a whole stage
            chapter.unlink()
            continue
        rewrite(chapter, lambda text: but_for_sections(text, gone))
    return tree


def compiled(tree: Path) -> Path:
    """`tree` with what Python has made of the same files here: it knows them by size and time."""
    for folder in ("apps", "config", "saas"):
        for path in (tree / folder).rglob("*.py"):
            made = Path(cache_from_source(str(ROOT / path.relative_to(tree))))
            if made.exists():
                (path.parent / made.parent.name).mkdir(exist_ok=True)
                shutil.copy2(made, path.parent / made.parent.name)
    return tree


def folders_of(module: str) -> tuple[str, ...]:
    """Its code, and where its tests may stand."""
    folder = module.replace(".", "/")
    return folder, f"tests/{folder}", f"tests/apps/{module.rpartition('.')[2]}"


def rows_of(modules: list[str]) -> set[str]:
    """The practices whose code stands in one of these modules."""
    folders = tuple(f"{folders_of(module)[0]}/" for module in modules)
    return {
        practice.id
        for practice in practices().values()
        if any(path.startswith(folders) for path, _ in practice.symbols)
    }


def rewrite(path: Path, change) -> None:
    """The file, changed."""
    path.write_text(change(path.read_text()))


def but_for_lines(text: str, place: str) -> str:
    """The text without the lines that lead to `place`."""
    return "".join(line for line in text.splitlines(keepends=True) if place not in line)


def but_for_rows(registry: str, gone: set[str]) -> str:
    """The registry without these rows and their sabotages."""
    starts = [*HEADER.finditer(registry)]
    kept = [registry[: starts[0].start()]]
    for here, following in zip(starts, [*starts[1:], None], strict=True):
        if here[1] not in gone:
            kept.append(registry[here.start() : following.start() if following else None])
    return "".join(kept)


def but_for_sections(chapter: str, gone: set[str]) -> str:
    """The chapter without the sections of these practices."""
    first, *sections = SECTION.split(chapter)
    kept = [f"## {section}" for section in sections if section.partition(":")[0] not in gone]
    return "".join([first, *kept])
