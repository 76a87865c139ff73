"""What the watch thinks is usual for somebody."""

import json
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand

from saas.tenancy.across_tenants import each_tenant_across_tenants
from saas.watch.baselines import exported


class Command(BaseCommand):
    """`manage.py watch_profile <principal>`: JSON, in every organization where there is one."""

    help = "Print the profile of a key, a person or a service, or of an organization by its id."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whose."""
        parser.add_argument("principal", type=UUID)

    def handle(self, *args: Any, **options: Any) -> None:
        """Numbers alone: nothing in a profile tells what somebody did."""
        profiles = {
            str(tenant): hours
            for tenant in each_tenant_across_tenants()
            if (hours := exported(options["principal"]))
        }
        self.stdout.write(json.dumps(profiles, indent=2))
