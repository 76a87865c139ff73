"""What runs the house, as a Django app: its checks."""

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    """Look at what settings name."""

    name = "apps.operations"

    def ready(self) -> None:
        """Once the settings are there."""
        from apps.operations import checks  # noqa: F401  # registers itself
