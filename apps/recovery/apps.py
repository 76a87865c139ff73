"""Recovery as a module: a copy is held until it has been verified."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class RecoveryConfig(AppConfig):
    """Join the worker and the question whether work may be sent here."""

    name = "apps.recovery"
    global_models = {"recovery.Home": "which database this is; it belongs to the house"}

    def ready(self) -> None:
        """A copy does nothing by itself, and no balancer sends it anybody."""
        from apps.operations.health import NEEDS
        from apps.recovery.home import door, is_held
        from saas.edge import gate
        from saas.persistence.worker import HOLDS

        HOLDS.append(is_held)
        gate.DOORS.append(door)
        NEEDS["recover verify --release on this restored copy"] = lambda: not is_held()
        post_migrate.connect(settle, sender=self, dispatch_uid="recovery.settle")


def settle(**_: Any) -> None:
    """A new database is at home where it was made."""
    from apps.recovery.home import settle_down

    settle_down()
