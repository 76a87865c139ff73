"""`manage.py openapi` writes the documents anew; with --check it says what would change."""

from difflib import unified_diff
from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.operations.documents import FILE, drawn

SHOWN = 60  # lines of a difference


class Command(BaseCommand):
    """Draw the OpenAPI document of the API from what the views declare."""

    help = "Write openapi/v1.json; with --check fail when it differs."
    requires_system_checks = []  # what is not protected is named by `check`, not by its document

    def add_arguments(self, parser: CommandParser) -> None:
        """One flag."""
        parser.add_argument("--check", action="store_true", help="write nothing, only compare")

    def handle(self, *_: Any, check: bool, **__: Any) -> None:
        """Write or compare. Raises CommandError for an invalid document and for a difference."""
        text = drawn()
        if not check:
            FILE.parent.mkdir(exist_ok=True)
            FILE.write_text(text)
            self.stdout.write(f"{FILE.name} is written.")
            return
        old = FILE.read_text() if FILE.exists() else ""
        difference = unified_diff(old.splitlines(), text.splitlines(), "committed", "drawn", n=2)
        if lines := list(islice(difference, SHOWN)):
            raise CommandError("\n".join([*lines, "", "Run `make openapi` and commit the file."]))
        self.stdout.write(f"{FILE.name} is what the views declare.")
