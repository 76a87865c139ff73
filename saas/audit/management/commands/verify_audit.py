"""Walk every chain and name the first entry that cannot be believed."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from saas.audit.chain import first_fault
from saas.tenancy.across_tenants import each_tenant_across_tenants


class Command(BaseCommand):
    """`manage.py verify_audit`: exit code 1 when a chain is broken."""

    help = "Verify the audit chain of every organization."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one line for each chain."""
        broken = 0
        for tenant_id in each_tenant_across_tenants():
            fault = first_fault()
            if fault is None:
                self.stdout.write(f"{tenant_id} whole")
            else:
                broken += 1
                self.stdout.write(f"{tenant_id} broken at entry {fault.seq}: {fault.reason}")
        if broken:
            raise CommandError(f"{broken} broken chain(s).")
