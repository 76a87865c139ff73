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
        """Follow every `migrate`; say what is under the key-encryption keys."""
        from saas import custody
        from saas.persistence import rotation

        post_migrate.connect(install_guards, sender=self, dispatch_uid="saas.guards")
        custody.join("data keys", rotation.data_key_uses, rotation.rewrap_data_keys)
        custody.join("tasks", rotation.task_uses, rotation.relock_tasks)


def install_guards(using: str, **_: Any) -> None:
    """Add what the migrations lost or never had."""
    from saas.persistence import guards  # the models are not loaded when this module is

    guards.install(connections[using])
