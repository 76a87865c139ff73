"""`migrate` runs as the role that owns the tables; the role that serves may not change them."""

from typing import Any

from django.conf import settings
from django.core.management.commands import migrate
from django.db import connections

from saas.persistence.owner import acting_as_owner


class Command(migrate.Command):
    """Django's own command under DATABASE_OWNER_URL."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Change roles, migrate, change back."""
        with acting_as_owner(connections[options["database"]], settings.DATABASE_OWNER):
            super().handle(*args, **options)

    def check(self, *args: Any, **kwargs: Any) -> None:
        """Leave out the checks of the database: what they would miss is what this command is about
        to make.
        """
        super().check(*args, **kwargs | {"databases": None})
