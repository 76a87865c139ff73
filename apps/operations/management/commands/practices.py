"""The registry of practices as a table."""

import tomllib
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.operations.tables import aligned

COLUMNS = ("tier", "kind", "title")


class Command(BaseCommand):
    """`manage.py practices`."""

    help = "Print the practices of docs/practices.toml."

    def handle(self, *args: Any, **options: Any) -> None:
        """One line for each practice, in the order of the file."""
        try:
            text = (settings.BASE_DIR / "docs" / "practices.toml").read_text()
        except FileNotFoundError:
            raise CommandError("There is no docs/practices.toml here.") from None
        rows = [[id, *(row[name] for name in COLUMNS)] for id, row in tomllib.loads(text).items()]
        self.stdout.write(aligned([["id", *COLUMNS], *rows]))
