"""The process beside the web: it does what requests have promised."""

import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.module_loading import autodiscover_modules

from saas.persistence import schedule
from saas.persistence.worker import Worker, run_due


class Command(BaseCommand):
    """`manage.py worker`: as many as you like, on any machine that reaches the database."""

    help = "Do the tasks of the outbox and begin regular work, until SIGTERM or Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How long it works."""
        parser.add_argument("--once", action="store_true", help="do what is due, and end")
        parser.add_argument("--parent", type=int, help="end when this process has ended")

    def handle(self, *args: Any, **options: Any) -> None:
        """Work; the task at hand is finished before it ends."""
        self.check(databases=["default"])
        autodiscover_modules("tasks")
        if options["once"]:
            schedule.begin_due()
            self.stdout.write(f"{run_due()} done")
            return
        worker = Worker(options["parent"])
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop.set())
        worker.serve()
