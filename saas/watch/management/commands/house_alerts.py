"""What the house was told, and that somebody has seen to it."""

import logging
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from saas.watch.models import HouseAlert

log = logging.getLogger("saas.watch")


class Command(BaseCommand):
    """`manage.py house_alerts` lists what is open; `--close ID --by NAME` says that it is done."""

    help = "List the alerts that are no single organization's, or close one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which one, and who."""
        parser.add_argument("--close", type=UUID, metavar="ID")
        parser.add_argument("--by", default="", metavar="NAME")

    def handle(self, *_: Any, close: UUID | None, by: str, **__: Any) -> None:
        """What is seen again after it was closed is a new one, and is written about again."""
        waiting = HouseAlert.objects.filter(closed_at=None)
        if close is None:
            for row in waiting.order_by("first_seen_at"):
                self.stdout.write(
                    f"{row.pk} {row.severity} {row.kind}: {row.subject}, {row.count} times since "
                    f"{row.first_seen_at:%Y-%m-%d %H:%M}"
                )
            return
        if not by:
            raise CommandError("Say who closes it: --by NAME.")
        if not waiting.filter(pk=close).update(closed_at=timezone.now()):
            raise CommandError(f"No open alert of the house is called {close}.")
        log.warning("the house alert %s was closed by %s", close, by)
        self.stdout.write(f"{close} is closed.")
