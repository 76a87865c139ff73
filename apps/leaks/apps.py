"""Leak reports as a module: a route, and nothing of the core knows it."""

from django.apps import AppConfig


class LeaksConfig(AppConfig):
    """Its routes stand beside the version; it keeps no rows."""

    name = "apps.leaks"
    routes = "security/"

    def ready(self) -> None:
        """Check the configured keys at the start, and not when the first report comes."""
        from apps.leaks import checks  # noqa: F401  # registers
