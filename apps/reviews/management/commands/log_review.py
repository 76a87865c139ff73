"""Look at the access log, and leave a record that somebody did."""

import re
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.reviews import logs, records
from apps.reviews.reading import Log

KIND = "log-review"
SPAN = re.compile(r"(\d{1,4})([hd])")


class Command(BaseCommand):
    """`manage.py log_review --since 7d --log access.log --reviewer NAME`"""

    help = "Summarize lines of the access log, and write a sealed record of the review."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What is looked at, and by whom."""
        parser.add_argument("--since", default="7d", help="7d or 12h")
        parser.add_argument("--log", action="append", required=True, help="a file, or - for stdin")
        parser.add_argument("--reviewer", required=True)
        parser.add_argument("--note", default="", help="what the reviewer concludes")
        parser.add_argument("--office-hours", default="7-20", help="from and to, on working days")
        parser.add_argument("--time-zone", default="UTC")

    def handle(self, *_: Any, since: str, log: list[str], reviewer: str, **options: Any) -> None:
        """Write the record, and say where it is."""
        until = timezone.now()
        begins = until - span(since)
        hours = re.fullmatch(r"(\d{1,2})-(\d{1,2})", options["office_hours"])
        if not hours:
            raise CommandError("--office-hours is written as 7-20.")
        read = Log(log)
        known = {one for body in records.kept(KIND) for one in body.get("networks", ())}
        try:
            found = logs.summary(
                read.between(begins, until),
                known,
                office=(int(hours[1]), int(hours[2])),
                zone=ZoneInfo(options["time_zone"]),
            )
        except (OSError, KeyError) as fault:  # no such file, no such time zone
            raise CommandError(str(fault)) from None
        period = {"since": begins.isoformat(), "until": until.isoformat()}
        inputs = {"sha256": read.digests, "lines": read.read, "passed_by": read.passed_by}
        note = {"note": options["note"]}
        path = records.write(KIND, reviewer, {**period, "inputs": inputs, **note, **found})
        self.stdout.write(
            f"{found['requests']} requests, {len(found['new_networks'])} new networks"
        )
        self.stdout.write(str(path))


def span(text: str) -> timedelta:
    """`7d` or `12h`."""
    parts = SPAN.fullmatch(text)
    if not parts:
        raise CommandError("--since is written as 7d or 12h.")
    return timedelta(**{"days" if parts[2] == "d" else "hours": int(parts[1])})
