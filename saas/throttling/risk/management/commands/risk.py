"""`manage.py risk PRINCIPAL`: why the limits of somebody are what they are; with `--trust`, that
their record is a good one.
"""

import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from saas.throttling.risk import conf
from saas.throttling.risk.sharing import client, recalled, vouch


class Command(BaseCommand):
    """Print score, reasons with their times, and what follows from them."""

    help = "tell the risk score of a principal, its reasons, and by how much its limits are moved"

    def add_arguments(self, parser: CommandParser) -> None:
        """Whose; and who vouches for them."""
        parser.add_argument("principal", type=UUID)
        parser.add_argument("--trust", action="store_true", help="take their record for clean")
        parser.add_argument("--by", default="", metavar="NAME")

    def handle(self, *args: Any, principal: UUID, trust: bool, by: str, **options: Any) -> None:
        """Read what the processes told each other."""
        if trust and not by:
            raise CommandError("Say who vouches: --by NAME.")
        if trust and client() is not None:
            vouch(str(principal), by)
        standing = recalled(str(principal))
        if standing is None:
            raise CommandError("Without Redis each process keeps its scores to itself.")
        now = time.time()
        half_life = f"half of it is forgotten in {conf.RISK.half_life / 60:g} minutes"
        self.stdout.write(f"score {standing.score_at(now):.0f} of 100 ({half_life})")
        self.stdout.write(f"limits times {standing.factor_at(now):g}")
        if standing.held_until > now:
            self.stdout.write(f"held at a tenth until {_time(standing.held_until)}")
        if standing.clean_since is not None:
            self.stdout.write(f"without a point since {_time(standing.clean_since)}")
        for reason in standing.reasons:
            self.stdout.write(
                f"  {_time(reason.first)} … {_time(reason.last)}  {reason.rule}"
                f"  {reason.times} times, {reason.points:g} points"
            )


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
