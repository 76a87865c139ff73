"""The registry, the code, the tests and the chapters name the same practices."""

import ast
import re
from functools import cache
from importlib import import_module

import pytest

from tests.practices import ROOT, dotted, lines_of, marked_tests, practices

PRACTICES = practices()
CODE = [practice for practice in PRACTICES.values() if practice.kind == "code"]
SABOTAGES = [sabotage for practice in CODE for sabotage in practice.sabotages]
ID = re.compile(r"(AUTHN|AUTHZ|INPUT|TRANS|RATE|LOG|DATA|VERS|OPS|R|X)-\d\d")
TIERS = {"core", "module"}
KINDS = {"code", "drill", "page"}
ROOMY = 1.25  # how far the counted lines may drift from the registry before it must be told

each_practice = pytest.mark.parametrize("practice", PRACTICES.values(), ids=PRACTICES)
each_code = pytest.mark.parametrize("practice", CODE, ids=[practice.id for practice in CODE])
each_sabotage = pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda change: change.practice)


@each_practice
def test_a_practice_says_what_a_reader_asks(practice):
    assert ID.fullmatch(practice.id)
    assert practice.tier in TIERS
    assert practice.kind in KINDS
    assert practice.stage in stages()
    assert practice.maps
    assert practice.title
    for sentence in (practice.leave_out, practice.weaker or practice.leave_out):
        assert sentence.endswith(".")
    assert {"lines", "queries"} <= practice.cost.keys() <= {"lines", "queries", "microseconds"}


@each_code
def test_its_code_exists(practice):
    assert practice.code
    for path, symbol in practice.symbols:
        assert (ROOT / path).is_file(), path
        assert bool(symbol) == path.endswith(".py"), path
        if not symbol:
            continue
        value = import_module(dotted(path))
        for name in symbol.split("."):
            value = getattr(value, name)


@each_code
def test_its_cost_in_lines_is_about_what_its_code_counts(practice):
    counted = lines_of(practice)
    told = practice.cost["lines"]
    assert counted / ROOMY - 3 <= told <= counted * ROOMY + 3, (
        f"{counted} lines now: run python -m tests.chapters"
    )


@each_code
def test_a_test_is_marked_with_it(practice):
    assert marked_tests()[practice.id], f'@pytest.mark.practice("{practice.id}") stands nowhere'


@each_code
def test_it_can_be_taken_away(practice):
    assert practice.sabotages


@each_sabotage
def test_a_sabotage_fits_in_one_place_and_still_compiles(sabotage):
    source = (ROOT / sabotage.file).read_text()
    mutant = sabotage.mutated(source)
    assert mutant != source
    if sabotage.file.endswith(".py"):
        ast.parse(mutant)


@each_sabotage
def test_the_test_that_notices_is_marked_with_the_practice(sabotage):
    assert without_parameters(sabotage.test) in marked_tests()[sabotage.practice]


def test_each_mark_names_a_known_practice():
    assert marked_tests().keys() <= PRACTICES.keys()


@cache
def stages() -> tuple[str, ...]:
    """The rooms of the path, as the chapters are named."""
    chapters = sorted((ROOT / "docs" / "path").glob("[0-9][0-9]-*.md"))
    return tuple(chapter.stem[3:] for chapter in chapters)


def without_parameters(node_id: str) -> str:
    """A node id as the source of the test knows it."""
    return node_id.partition("[")[0]
