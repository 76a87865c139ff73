"""From a downloaded list of leaked passwords to the index that sign-up and change look into."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts import leaked


class Command(BaseCommand):
    """`manage.py leaked_passwords <list> <index>`; SAAS_LEAKED_PASSWORDS then names the index."""

    help = (
        "Make the index of leaked passwords from a list of SHA-1 hashes ordered by hash, one"
        " `hash:how often` on each line, as Have I Been Pwned's downloader writes it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The two files, and what of the list counts."""
        parser.add_argument("list", type=Path)
        parser.add_argument("index", type=Path)
        parser.add_argument(
            "--seen", type=int, default=1, help="leave out what was seen less often"
        )
        parser.add_argument("--plain", action="store_true", help="the list has the passwords")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read line by line: the whole list is larger than most memories."""
        try:
            with open(options["list"], encoding="utf-8", errors="replace") as lines:
                entries = (
                    leaked.passwords(lines)
                    if options["plain"]
                    else leaked.hashes(lines, seen=options["seen"])
                )
                count = leaked.write(entries, options["index"])
        except (OSError, ValueError) as fault:
            raise CommandError(str(fault)) from None
        self.stdout.write(f"{count} leaked passwords in {options['index']}.")
