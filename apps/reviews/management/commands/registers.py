"""Say what is overdue."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.reviews.registers import overdue


class Command(BaseCommand):
    """`manage.py registers`: a warning and exit code 0; with --strict, 1 when anything is."""

    help = "Print what stands in docs/registers.toml and is overdue."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How hard to be."""
        parser.add_argument("--strict", action="store_true")

    def handle(self, *_: Any, strict: bool, **__: Any) -> None:
        """A line for each."""
        late = overdue()
        for one in late:
            self.stdout.write(str(one))
        if not late:
            self.stdout.write("Nothing is overdue.")
        elif strict:
            raise CommandError(f"{len(late)} overdue.")
