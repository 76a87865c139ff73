"""The pins of the current and the backup key, as the makers of mobile clients need them."""

from argparse import ArgumentParser
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.pins import pins

LONGEST = 398  # days, as long as a public certificate may live


class Command(BaseCommand):
    """`manage.py pin_set [--days N] [FILE…]`: prints, and keeps nothing."""

    help = "Print the SPKI SHA-256 pins of the current and the backup key (SAAS_PINNED_KEYS)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Other files than the configured ones, and how long the list is good for."""
        parser.add_argument("files", nargs="*", type=Path, help="the current key first, in PEM")
        parser.add_argument("--days", type=int, default=365, help="until the list ends")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print."""
        if not 0 < options["days"] <= LONGEST:
            raise CommandError(f"--days goes from 1 to {LONGEST}.")
        try:
            found = pins.pins_of(options["files"] or pins.key_files())
        except (OSError, ValueError) as reason:
            raise CommandError(str(reason)) from None
        until = timezone.localdate() + timedelta(days=options["days"])
        self.stdout.write(pins.written(found, until), ending="")
