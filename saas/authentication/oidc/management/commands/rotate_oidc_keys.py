"""A new key signs from now on; the one before it still verifies."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from saas.authentication.oidc import keys
from saas.crypto import Unreadable


class Command(BaseCommand):
    """Rotate, or with --end-retiring let only the active key count."""

    help = __doc__
    requires_system_checks: list[str] = []  # it makes what a check asks for

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One switch."""
        parser.add_argument("--end-retiring", action="store_true", help="keep the active key alone")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the file, or print what the environment must hold; shown are names and what is
        sealed.
        """
        held = keys.read_file() if settings.SAAS_OIDC_KEYS_FILE else settings.SAAS_OIDC_KEYS
        try:
            if held:
                keys.kids(held)
        except (ValueError, Unreadable):
            raise CommandError("These keys were sealed by another SAAS_KEK.") from None
        if options["end_retiring"]:
            if not held:
                raise CommandError("There is no key yet.")
            sealed = keys.without_retiring(held)
        else:
            sealed = keys.rotated(held or keys.rotated(""))
        if settings.SAAS_OIDC_KEYS_FILE:
            keys.write_file(sealed)
        else:
            self.stdout.write("SAAS_OIDC_KEYS=" + " ".join(sealed.split()))
        active, *retiring = keys.kids(sealed)
        self.stderr.write(f"active: {active}")
        for kid in retiring:
            self.stderr.write(f"retiring: {kid}")
