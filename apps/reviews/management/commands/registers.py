"""Say what is overdue."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.reviews.registers import entries


class Command(BaseCommand):
    """`manage.py registers`: a warning and exit code 0; with --strict, 1 when anything is."""

    help = "Print what stands in docs/registers.toml and is overdue."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How hard to be."""
        parser.add_argument("--strict", action="store_true")

    def handle(self, *_: Any, strict: bool, **__: Any) -> None:
        """A line for each."""
        today = timezone.localdate()
        overdue = sorted((one for one in entries() if one.on < today), key=lambda one: one.on)
        for one in overdue:
            late = (today - one.on).days
            self.stdout.write(
                f"{one.register} {one.name}: overdue since {one.on}, {late} days ({one.owner})"
            )
        if not overdue:
            self.stdout.write("Nothing is overdue.")
        elif strict:
            raise CommandError(f"{len(overdue)} overdue.")
