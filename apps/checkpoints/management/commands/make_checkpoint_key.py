"""Print a new key for checkpoints, and its public half; the one before stays published for good."""

from base64 import b64encode
from typing import Any

from django.core.management.base import BaseCommand

from apps.checkpoints.signing import public_half
from saas.crypto import random_key


class Command(BaseCommand):
    """`manage.py make_checkpoint_key`: two lines for the environment."""

    help = __doc__
    requires_system_checks: list[str] = []  # it makes what a check asks for

    def handle(self, *args: Any, **options: Any) -> None:
        """Print."""
        secret = b64encode(random_key()).decode()
        self.stdout.write(f"SAAS_CHECKPOINT_KEY={secret}")
        self.stdout.write(f"SAAS_CHECKPOINT_PUBLIC_KEYS={public_half(secret)}")
