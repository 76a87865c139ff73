"""Prove that alerts arrive."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from saas.watch.proof import prove_route


class Command(BaseCommand):
    """`manage.py alert_test`: the regular work does the same each night."""

    help = "Send a house alert that says it is a test, by the whole route."

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse where nobody would get it."""
        if not settings.SAAS_OPERATORS:
            raise CommandError("SAAS_OPERATORS is empty: nobody would hear of anything.")
        prove_route()
        self.stdout.write(
            f"A worker brings a letter to {', '.join(settings.SAAS_OPERATORS)}; it is there within "
            "ten seconds, or the route is broken."
        )
