"""What to do when something looks wrong: docs/playbooks/<slug>.md as pages."""

import re
from functools import cache
from itertools import groupby
from typing import NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.operations.health import question
from apps.operations.pages import marked
from saas.errors import Problem

FOLDER = settings.BASE_DIR / "docs" / "playbooks"
FENCE = re.compile(r"^```(?:sh|console)?\n", re.MULTILINE)
STEP = re.compile(r"(?:-|\d+\.) ")


class Section(NamedTuple):
    """A heading, and under it paragraphs and lists: kind (`p`, `ul`, `ol` or `pre`) and lines."""

    title: str
    parts: list[tuple[str, list[str]]]


@question
def playbook(request: HttpRequest, slug: str) -> HttpResponse:
    """One playbook: where the `playbook` of an alert leads."""
    if slug not in slugs():
        raise Problem("not-found")
    title, sections = read(slug)
    return render(request, "operations/playbook.html", {"title": title, "sections": sections})


@cache
def slugs() -> frozenset[str]:
    """Those that there are; no path is made of what a caller wrote."""
    return frozenset(path.stem for path in FOLDER.glob("*.md"))


@cache
def read(slug: str) -> tuple[str, list[Section]]:
    """The title and the sections of a playbook, escaped."""
    head, *rest = re.split(r"^## ", (FOLDER / f"{slug}.md").read_text(), flags=re.MULTILINE)
    title, _, before = head.removeprefix("# ").partition("\n")
    sections = [Section("", parts_of(before))]
    for section in rest:
        heading, _, text = section.partition("\n")
        sections.append(Section(heading, parts_of(text)))
    return title, sections


def parts_of(text: str) -> list[tuple[str, list[str]]]:
    """Paragraphs, lists and commands."""
    found: list[tuple[str, list[str]]] = []
    for number, part in enumerate(FENCE.split(text)):
        found += [("pre", [part.strip()])] if number % 2 else prose(part)
    return found


def prose(text: str) -> list[tuple[str, list[str]]]:
    """Between commands; a line of a list that is set in goes on with the one before."""
    lines = re.sub(r"\n[ ]+", " ", text).splitlines()
    found: list[tuple[str, list[str]]] = []
    for kind, group in groupby(lines, key=kind_of):
        if kind == "p":
            found.append((kind, [marked(" ".join(group))]))
        elif kind:
            found.append((kind, [marked(STEP.sub("", line, count=1)) for line in group]))
    return found


def kind_of(line: str) -> str:
    """What a line belongs to."""
    if not line.strip():
        return ""
    return "ul" if line.startswith("- ") else "ol" if STEP.match(line) else "p"
