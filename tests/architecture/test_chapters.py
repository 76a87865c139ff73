"""The textbook quotes the code as it is, and its commands are answered as it says."""

import re
import runpy
import shlex
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.test import Client
from markdown_it import MarkdownIt

from apps.operations.demo import load
from tests.architecture.test_order import path
from tests.cast import call
from tests.practices import ROOT, footer, practices

PATH = ROOT / "docs" / "path"
CHAPTERS = sorted(PATH.glob("[0-9][0-9]-*.md"))
PAGES = [*CHAPTERS, ROOT / "docs" / "tutorial.md"]
HEADING = re.compile(r"^## ([A-Z]+-\d\d): ", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
PLACE = re.compile(r"`((?:saas|apps|config|tests|docs|deploy)/[\w./-]+)`")
COMMAND = re.compile(r"make sabotage ID=(\S+?)`|tests\.sabotage ([A-Z]+-\d\d)")

each_page = pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=[page.stem for page in CHAPTERS])


class Block(NamedTuple):
    """A fenced block: its language, what stands behind the language, and its content."""

    language: str
    about: str
    content: str


def blocks(page: Path, language: str) -> list[Block]:
    """The fenced blocks of a page in one language."""
    tokens = MarkdownIt().parse(page.read_text())
    fences = [
        (token.info.partition(" "), token.content) for token in tokens if token.type == "fence"
    ]
    return [Block(first, rest, text) for (first, _, rest), text in fences if first == language]


def test_the_chapters_follow_the_path():
    places = [f"{number:02}-{stage}" for number, stage in enumerate(path(), 1)]
    for stem in (chapter.stem for chapter in CHAPTERS):
        assert stem in places
        assert stem[3:] == "services" or (ROOT / "saas" / stem[3:]).is_dir()


@each_chapter
def test_a_chapter_opens_with_the_question_of_its_stage(chapter):
    stage = chapter.stem[3:]
    if stage != "services":
        question = (ROOT / "saas" / stage / "__init__.py").read_text().strip().strip('"')
        assert question in chapter.read_text()


@each_chapter
def test_a_chapter_has_a_section_for_each_practice_of_its_stage_and_no_other(chapter):
    own = [practice.id for practice in practices().values() if practice.stage == chapter.stem[3:]]
    assert HEADING.findall(chapter.read_text()) == own


@each_chapter
def test_a_section_ends_with_how_to_break_it_what_it_costs_and_when_to_leave_it_out(chapter):
    _, *parts = HEADING.split(chapter.read_text())
    for id, section in zip(parts[::2], parts[1::2], strict=True):
        same = section.rstrip().endswith(footer(practices()[id]))
        assert same, f"{id} differs from the registry: run python -m tests.chapters"


@each_page
def test_each_quoted_piece_of_code_stands_in_the_file_it_names(page):
    for block in blocks(page, "python"):
        path = ROOT / block.about
        assert path.is_file(), f"{block.about!r} after ```python"
        found = contains(path.read_text(), block.content)
        assert found, f"{block.about} does not hold\n{block.content}"


def contains(source: str, quoted: str) -> bool:
    """Whether the quoted lines follow each other in the source, set in by any one amount."""
    lines, wanted = source.splitlines(), quoted.splitlines()
    return any(
        lines[at : at + len(wanted)] == [indent + line if line else line for line in wanted]
        for at, line in enumerate(lines)
        if line.endswith(wanted[0])
        for indent in [line.removesuffix(wanted[0])]
        if not indent.strip()
    )


@each_page
def test_each_link_and_path_leads_somewhere(page):
    text = page.read_text()
    for target in LINK.findall(text):
        assert (page.parent / target).exists(), target
    for place in PLACE.findall(text):
        assert (ROOT / place).exists(), place


@each_page
def test_each_sabotage_that_is_offered_exists(page):
    for first, second in COMMAND.findall(page.read_text()):
        assert (first or second) in practices()


class Answer(NamedTuple):
    """A curl command of a page, and the status and code that the page promises."""

    command: str
    status: int
    code: str


def promised(page: Path) -> list[Answer]:
    """The commands of a page that end in `# 404 not-found`."""
    found = []
    for block in blocks(page, "sh"):
        for command in block.content.replace("\\\n", " ").splitlines():
            if match := re.fullmatch(r"(curl .*\S)\s+# (\d{3}) ?([a-z-]*)", command):
                found.append(Answer(match[1], int(match[2]), match[3]))
    return found


@each_page
def test_each_command_is_answered_as_the_page_says(page, demo):
    for answer in promised(page):
        response = asked(answer.command, demo)
        assert response.status_code == answer.status, (answer.command, response.content)
        if answer.code:
            assert response.json()["code"] == answer.code, answer.command


@pytest.fixture
def demo(db: None) -> dict[str, str]:
    """The variables of docs/path/demo.py, from a demo that has just been loaded."""
    return runpy.run_path(str(PATH / "demo.py"))["variables"](load())


def asked(command: str, variables: dict[str, str]) -> Any:
    """The answer to a curl command, as far as the chapters use curl."""
    for name, value in variables.items():
        command = re.sub(rf"\${name}\b", value, command)
    _, *words = shlex.split(command)
    method, url, body = "GET", "", None
    headers: dict[str, str] = {}
    while words:
        match words.pop(0):
            case "-s" | "-i" | "-si":
                pass
            case "-X":
                method = words.pop(0)
            case "-I":
                method = "HEAD"
            case "-H":
                name, _, value = words.pop(0).partition(":")
                headers[name] = value.strip()
            case "-d":
                body = words.pop(0)
                method = "POST" if method == "GET" else method
            case url:
                pass
    assert "$" not in url, url
    if body is not None:
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")  # as curl does
    path = url.removeprefix(variables["ORIGIN"])
    return call(Client(raise_request_exception=False), method, path, body, **headers)
