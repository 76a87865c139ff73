"""The persistence stage as a Django app: its tables, and the guards that follow every migration."""

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate


class PersistenceConfig(AppConfig):
    """Install the guards once all migrations have run."""

    name = "saas.persistence"
    label = "persistence"

    def ready(self) -> None:
        """Follow every `migrate`."""
        post_migrate.connect(install_guards, sender=self, dispatch_uid="saas.guards")


def install_guards(using: str, **_: Any) -> None:
    """Add what the migrations lost or never had."""
    from saas.persistence import guards  # the models are not loaded when this module is

    guards.install(connections[using])
