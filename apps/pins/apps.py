"""Pinned keys as a module: a command and a check, and nothing of the core knows it."""

from django.apps import AppConfig


class PinsConfig(AppConfig):
    """It has no routes and keeps no rows."""

    name = "apps.pins"

    def ready(self) -> None:
        """Look at the list at each start: clients that pinned what has ended cannot come back."""
        from apps.pins import checks  # noqa: F401  # registers
