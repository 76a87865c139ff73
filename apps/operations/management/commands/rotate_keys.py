"""Keys change while everything is in use; killed at any point, the next run goes on."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from apps.operations import keys
from saas import custody
from saas.errors import Problem
from saas.persistence import rotation
from saas.persistence.owner import acting_as_owner
from saas.tenancy.binding import bind

ACTS = ("kek", "rewrap", "data_keys", "indexes", "remove")


class Command(BaseCommand):
    """`manage.py rotate_keys`: one act at a time, under DATABASE_OWNER_URL."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which act, and who does it."""
        act = parser.add_mutually_exclusive_group(required=True)
        act.add_argument("--status", action="store_true", help="what is under each key")
        act.add_argument("--kek", action="store_true", help="a new key-encryption key, and rewrap")
        act.add_argument("--rewrap", action="store_true", help="under the current one, or go on")
        act.add_argument("--data-keys", action="store_true", help="new data keys, and seal anew")
        act.add_argument("--indexes", action="store_true", help="index anew under SAAS_PEPPER")
        act.add_argument("--remove", action="store_true", help="remove keys that nothing is under")
        parser.add_argument("--organization", type=UUID, help="the data keys of this one alone")
        parser.add_argument("--pause", type=float, default=0.01, help="seconds between two batches")
        keys.add_operators(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it as the owner of the tables, and say what was done."""
        try:
            with acting_as_owner(connection, settings.DATABASE_OWNER):
                self.act(options)
        except (Problem, custody.ProviderDown) as fault:
            raise CommandError(str(fault.__cause__ or fault)) from None

    def act(self, options: dict[str, Any]) -> None:
        """The act that was asked for."""
        if options["status"]:
            return self.show(options["organization"])
        only = options["organization"]
        acts = [name for name in ACTS if options[name]]
        names = keys.operators(options, " ".join(["rotate_keys", *acts, f"of {only or 'all'}"]))
        if options["kek"]:
            self.stdout.write(f"current: {keys.new_key_encryption_key(names)}")
        if options["kek"] or options["rewrap"]:
            for room, count in keys.rewrap(names).items():
                self.stdout.write(f"{room}: {count} under the current key")
        if options["data_keys"]:
            for line in keys.in_each(only, lambda id: keys.renew(id, names, options["pause"])):
                self.stdout.write(line)
        if options["indexes"]:
            for line in keys.in_each(only, lambda id: f"{rotation.reindex(id)} indexed anew"):
                self.stdout.write(line)
        if options["remove"]:
            for line in keys.in_each(only, lambda id: keys.remove(id, names)):
                self.stdout.write(line)
            for key_id in [] if only else keys.retire_unused(names):
                self.stdout.write(f"{key_id} retired")
        return None

    def show(self, only: UUID | None) -> None:
        """How much is under each key."""
        current = custody.provider().current()
        used = keys.key_encryption_key_uses()
        for key_id in sorted({*used, current}):
            rooms = ", ".join(f"{count} {name}" for name, count in sorted(used[key_id].items()))
            self.stdout.write(
                f"{'current' if key_id == current else 'former '} {key_id}: {rooms or 'nothing'}"
            )
        for line in keys.in_each(only, self.data_keys):
            self.stdout.write(line)
        for name, count in keys.under_another_pepper().items():
            self.stdout.write(f"under another pepper, {name}: {count}")

    def data_keys(self, tenant_id: UUID) -> str:
        """The data keys of an organization, each with how much is under it."""
        with bind(tenant_id):
            return ", ".join(f"{key}: {count}" for key, count in sorted(rotation.uses().items()))
