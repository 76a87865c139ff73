"""Checkpoints as a module: a witness for the chains, work for the worker, and two routes."""

from django.apps import AppConfig


class CheckpointsConfig(AppConfig):
    """Join when the process starts."""

    name = "apps.checkpoints"
    routes = ""  # one of them is versioned, and the keys stand where keys stand

    def ready(self) -> None:
        """The trail asks us what we saw, and tells us how far it is."""
        from apps.checkpoints import checks  # noqa: F401  # registers itself
        from apps.checkpoints.tasks import look_at_each_thousand
        from apps.checkpoints.witness import Checkpoints
        from saas.alerts import PLAYBOOKS
        from saas.audit import chain

        PLAYBOOKS["audit.broken"] = "restore"
        chain.WITNESSES.append(Checkpoints())
        chain.APPENDED.append(look_at_each_thousand)
