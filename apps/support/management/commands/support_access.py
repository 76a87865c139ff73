"""How staff comes in: with a grant that an owner gave, under a name, and not otherwise."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from apps.operations import agreement
from apps.operations.organizations import each_across_tenants
from apps.support import services
from apps.support.models import SupportGrant
from saas.audit import trail
from saas.validation import text


class Command(BaseCommand):
    """`manage.py support_access --grant … --by Ada`"""

    help = "Take up a grant of support access: prints a key that sees what it allows, once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which grant, and who answers for what is looked at."""
        parser.add_argument("--grant", required=True, type=UUID, help="its id")
        parser.add_argument("--by", required=True, help="your name")
        parser.add_argument("--approval", action="append", help="what `manage.py approve` gave you")
        parser.add_argument("--organization", default="", help="its slug or id: found sooner")

    def handle(
        self,
        *_: Any,
        grant: UUID,
        by: str,
        organization: str,
        approval: list[str] | None,
        **__: Any,
    ) -> None:
        """Print the secret, or say that there is nothing to take up."""
        name = text.clean(by)
        if not name or len(name) > (SupportGrant._meta.get_field("staff").max_length or 0):
            raise CommandError("A name is wanted (--by).")
        agreement.refuse_unsigned(f"support_access by grant {grant}", [name], approval or ())
        found = []
        for _one in each_across_tenants(organization):  # to its end: each commits as it is left
            with trail.recording():
                found.append(services.take_up(grant, by=name))
        for secret in filter(None, found):
            self.stdout.write(secret)
            return
        raise CommandError("Nobody lets you in: no such grant, or it has ended or is taken up.")
