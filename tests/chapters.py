"""`python -m tests.chapters` brings the registry's figures and the ends of the chapters' sections up
to date: run it after a change of docs/practices.toml, or of the code that it names.
"""

import re
from pathlib import Path

from tests.practices import REGISTRY, ROOT, footer, lines_of, practices, read_registry

SECTION = re.compile(r"^(?=## )", re.MULTILINE)
HEADING = re.compile(r"## ([A-Z]+-\d\d): ")
FOOTER = "**Break it**"


def main() -> None:
    """Count first: the sections tell what was counted."""
    REGISTRY.write_text(counted(REGISTRY.read_text()))
    for chapter in sorted((ROOT / "docs" / "path").glob("[0-9][0-9]-*.md")):
        write_ends(chapter)


def counted(registry: str) -> str:
    """The registry with the lines of today's code in each `cost`."""
    for id, practice in practices().items():
        table = re.compile(rf"(^\[{id}\]$.*?^cost = {{ lines = )\d+", re.MULTILINE | re.DOTALL)
        registry = table.sub(rf"\g<1>{lines_of(practice)}", registry, count=1)
    return registry


def write_ends(chapter: Path) -> None:
    """Put the footer of its practice at the end of each section."""
    known = read_registry(REGISTRY.read_text())
    sections = SECTION.split(chapter.read_text())
    for at, section in enumerate(sections):
        if (heading := HEADING.match(section)) and heading[1] in known:
            told = section.partition(FOOTER)[0]
            sections[at] = f"{told.rstrip()}\n\n{footer(known[heading[1]])}\n\n"
    chapter.write_text("".join(sections).rstrip() + "\n")


if __name__ == "__main__":
    main()
