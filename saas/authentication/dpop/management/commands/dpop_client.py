"""`manage.py dpop_client CLIENT_ID`: from now on this client gets tokens for its key alone."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from oauth2_provider.models import get_application_model

from saas.authentication.dpop.models import BoundClient


class Command(BaseCommand):
    """Set or clear `dpop_bound_access_tokens` of one client."""

    help = "demand DPoP of an OAuth client, or with --off no more"

    def add_arguments(self, parser: CommandParser) -> None:
        """Which client."""
        parser.add_argument("client_id")
        parser.add_argument("--off", action="store_true")

    def handle(self, *args: Any, client_id: str, off: bool, **options: Any) -> None:
        """Write or delete its row."""
        client = get_application_model().objects.filter(client_id=client_id).first()
        if client is None:
            raise CommandError("There is no such client.")
        if off:
            BoundClient.objects.filter(client=client).delete()
        else:
            BoundClient.objects.get_or_create(client=client)
        self.stdout.write(f"{client.name}: {'either scheme' if off else 'DPoP alone'}.")
