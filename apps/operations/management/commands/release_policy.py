"""An office has moved, or the last passkey is lost: a demand that nobody in an organization can
meet any more is taken back by the house.
"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.operations import keys
from apps.operations.organizations import each_across_tenants
from apps.organizations.services import release_policy
from saas.audit import trail
from saas.authentication.demands import SWITCHES


class Command(BaseCommand):
    """`manage.py release_policy acme allowed_networks --reason … --by … --approved-by …`"""

    help = "Take back one demand of an organization's security policy; all its members are told."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which, of whom, why, and who answers for it. What demands nothing shuts nobody out."""
        demands = sorted(name for name, switch in SWITCHES.items() if switch.demand)
        parser.add_argument("organization", help="its slug or id")
        parser.add_argument("switch", choices=demands)
        parser.add_argument("--reason", required=True, help="how you know who asked; they read it")
        keys.add_operators(parser)

    def handle(self, *_: Any, organization: str, switch: str, reason: str, **options: Any) -> None:
        """Do it, or say why not."""
        if not organization or len(reason.strip()) < 10 or not reason.isprintable():
            raise CommandError("An organization is wanted, and a reason in words, on one line.")
        act = f"release_policy of {organization} from {switch}, because {reason},"
        operators = keys.operators(options, act)
        released = []
        for _one in each_across_tenants(organization):  # to its end: each commits as it is left
            with trail.recording():
                released.append(release_policy(switch, reason=reason, operators=operators))
        if not released:
            raise CommandError(f"There is no organization {organization}.")
        self.stdout.write("taken back" if True in released else "it asked for no such thing")
