"""An operator's own signature under what another command is about to do."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.operations import agreement
from saas.crypto import random_key

LONGEST = agreement.LONGEST.seconds // 60


class Command(BaseCommand):
    """`manage.py approve TEXT --key FILE`, wherever the key is: it needs nothing of the house."""

    help = "Sign what a command said that it wants signed; or make a key (--new) for that."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What, and with which key."""
        parser.add_argument("text", nargs="?", default="", help="the whole line, as it was printed")
        parser.add_argument("--key", type=Path, required=True, help="your own; others have none")
        parser.add_argument("--new", action="store_true", help="make the key, and print its half")
        parser.add_argument("--minutes", type=int, choices=range(1, LONGEST + 1), default=LONGEST)

    def handle(self, *_: Any, text: str, key: Path, new: bool, minutes: int, **__: Any) -> None:
        """Print an approval, or the public half of a new key."""
        try:
            if new:
                secret = random_key().hex()
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
                with open(os.open(key, flags, 0o600), "w") as file:
                    file.write(secret)
                self.stdout.write(agreement.public_half(secret))
            elif text.strip():
                self.stdout.write(agreement.approval_of(key.read_text().strip(), text, minutes))
            else:
                raise CommandError("Name what is approved, or --new.")
        except (OSError, ValueError) as fault:
            raise CommandError(f"{key}: {fault}") from None
