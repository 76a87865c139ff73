"""Look at who holds what, and leave a record that somebody did."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.operations.organizations import each_across_tenants
from apps.reviews import access, records
from apps.reviews.reading import Log

KIND = "access-review"


class Command(BaseCommand):
    """`manage.py access_review --reviewer NAME [--organization acme] [--log access.log]`"""

    help = "List members, keys, grants and scopes that nobody uses, and write a sealed record."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What is looked at, and by whom."""
        parser.add_argument("--reviewer", required=True)
        parser.add_argument("--organization", default="", help="its slug or id; all without it")
        parser.add_argument("--days", type=int, default=90, help="what sleeps longer is listed")
        parser.add_argument("--log", action="append", help="lines that tell which scopes were used")

    def handle(self, *_: Any, reviewer: str, organization: str, days: int, **options: Any) -> None:
        """Write the record, and say where it is."""
        now = timezone.now()
        read = Log(options["log"] or ())
        used = None
        if options["log"]:
            try:
                used = access.permissions_used(read.between(now - timedelta(days=days), now))
            except OSError as fault:
                raise CommandError(str(fault)) from None
        found = {
            f"{one.slug} {one.pk}": access.findings(days, used)
            for one in each_across_tenants(organization)
        }
        if not found:
            raise CommandError(f"There is no organization {organization}.")
        inputs = {"sha256": read.digests, "lines": read.read, "days": days}
        path = records.write(KIND, reviewer, {"inputs": inputs, "organizations": found})
        for name, one in found.items():
            counts = ", ".join(f"{len(one[what])} {what.replace('_', ' ')}" for what in SAID)
            self.stdout.write(f"{name.split()[0]}: {counts}")
        self.stdout.write(str(path))


SAID = ("dormant_members", "dormant_keys", "dormant_grants", "owners_without_second_factor")
