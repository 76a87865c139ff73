"""The switch: for one organization, for a short time, with a reason and a second person."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.bodies import services
from apps.operations import keys
from apps.operations.organizations import each_across_tenants
from saas.audit import trail
from saas.errors import Problem


class Command(BaseCommand):
    """`manage.py body_logging on --organization acme --reason … --by … --approved-by …`"""

    help = "Log the bodies of one organization, redacted, for an hour at most; it is told of it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to do, and who answers for it."""
        parser.add_argument("what", choices=["on", "off", "list"])
        parser.add_argument("--organization", default="", help="its slug or id")
        parser.add_argument("--minutes", type=int, default=30)
        parser.add_argument("--reason", default="")
        keys.add_operators(parser)

    def handle(self, *_: Any, what: str, organization: str, **options: Any) -> None:
        """Do it, or say in one sentence why not."""
        if what == "list":
            self.list_all()
            return
        if not organization or not options["by"].strip():
            raise CommandError("Name the organization (--organization) and yourself (--by).")
        asked: dict[str, Any] = {name: options[name] for name in ("reason", "by", "approved_by")}
        asked["lasts"] = timedelta(minutes=options["minutes"])
        if what == "on":
            try:
                services.judge(**asked)
            except Problem as problem:
                raise CommandError(problem.detail) from None
            act = f"body_logging of {organization} for {options['minutes']} minutes"
            keys.operators(options, f"{act}, because {asked['reason']},")
        said = []
        for _one in each_across_tenants(organization):  # to its end: each commits as it is left
            with trail.recording():
                if what == "on":
                    until = services.turn_on(**asked)
                    said.append(f"on until {until:%Y-%m-%d %H:%M:%S} UTC")
                else:
                    said.append("off" if services.turn_off(by=asked["by"]) else "it was not on")
        if not said:
            raise CommandError(f"There is no organization {organization}.")
        self.stdout.write(said[0])

    def list_all(self) -> None:
        """A line for each organization whose bodies are logged now."""
        for one in each_across_tenants():
            if note := services.note():
                said = f"{note['by']}, approved by {note['approved_by']}: {note['reason']}"
                self.stdout.write(f"{one.slug} until {note['until']} by {said}")
