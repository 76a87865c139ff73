"""Destroy the data keys of one organization: what they sealed can be read by nobody, ever again."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from apps.operations import keys
from saas.persistence.owner import acting_as_owner
from saas.tenancy.across_tenants import tenant_ids_across_tenants


class Command(BaseCommand):
    """`manage.py destroy_key --organization ID --confirm ID`: there is no way back."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whose, why, and who does it; the id twice, because nothing undoes it."""
        parser.add_argument("--organization", type=UUID, required=True)
        parser.add_argument("--confirm", type=UUID, required=True, help="the same id again")
        parser.add_argument("--reason", required=True, help="3 to 200 characters, for the trail")
        keys.add_operators(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it as the owner of the tables."""
        tenant_id, reason = options["organization"], options["reason"]
        names = keys.operators(options, f"destroy_key of {tenant_id}")
        if options["confirm"] != tenant_id:
            raise CommandError("--confirm names another organization.")
        if not 3 <= len(reason) <= 200 or not reason.isprintable():
            raise CommandError("--reason has 3 to 200 characters, on one line.")
        with acting_as_owner(connection, settings.DATABASE_OWNER):
            if tenant_id not in tenant_ids_across_tenants():
                raise CommandError("There is no such organization.")
            count = keys.destroy(tenant_id, names, reason)
        self.stdout.write(f"{count} keys destroyed; within {settings.KEYS.seen.seconds} seconds")
        self.stdout.write("no process opens what they sealed. Old backups still hold them.")
