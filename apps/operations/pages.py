"""The documents for people: every operation, and a page for each problem."""

import json
from functools import cache
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.operations.documents import committed
from apps.operations.health import question
from saas.errors import CATALOGUE, Kind, Problem
from saas.responses.documents import problem_example


class Operation(NamedTuple):
    """A line of the list that needs no script."""

    method: str
    path: str
    summary: str
    permission: str


class Entry(NamedTuple):
    """A line of the catalogue."""

    code: str
    kind: Kind


@question
def docs(request: HttpRequest) -> HttpResponse:
    """Every operation, to read and to try. Its script is ours too: no other host learns of it."""
    return render(request, "operations/docs.html", {"operations": operations()})


@cache
def operations() -> list[Operation]:
    """The operations of the committed document."""
    return [
        Operation(method.upper(), path, said["summary"], said.get("x-permission", ""))
        for path, item in json.loads(committed().body)["paths"].items()
        for method, said in item.items()
    ]


@question
def problems(request: HttpRequest) -> HttpResponse:
    """The catalogue, by status."""
    entries = sorted(map(Entry._make, CATALOGUE.items()), key=lambda entry: entry.kind.status)
    return render(request, "operations/problems.html", {"problems": entries})


@question
def problem(request: HttpRequest, code: str) -> HttpResponse:
    """What one code means and what an honest client does: where the `type` of a problem leads."""
    if code not in CATALOGUE:
        raise Problem("not-found")
    shown = json.dumps(problem_example(code), indent=2)
    kind = CATALOGUE[code]
    context = {"code": code, "kind": kind, "help": marked(kind.help), "example": shown}
    return render(request, "operations/problem.html", context)


def marked(text: str) -> SafeString:
    """Our own words, with what stands between backticks as code."""
    parts = enumerate(text.split("`"))
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", p) if n % 2 else p,) for n, p in parts)
    )
