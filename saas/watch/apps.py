"""The watch as a Django app: it listens to the access log, and the core knows nothing of it."""

from django.apps import AppConfig
from django.conf import settings


class WatchConfig(AppConfig):
    """Everything that the rest of the project knows of this module stands here."""

    name = "saas.watch"
    global_models = {
        "watch.HouseAlert": "what was noticed of networks and of the house, and is no tenant's",
    }

    def ready(self) -> None:
        """Join once the models are loaded."""
        from saas import alerts
        from saas.authentication import demands
        from saas.edge.log import LISTENERS
        from saas.watch import chains
        from saas.watch.actions import RESPONSE
        from saas.watch.detectors import detectors
        from saas.watch.feed import Watch
        from saas.watch.proof import RouteProof

        demands.join(RESPONSE)
        found = [*detectors().values(), RouteProof()]
        alerts.PLAYBOOKS[chains.KIND] = chains.PLAYBOOK
        alerts.PLAYBOOKS.update({one.kind: one.playbook for one in found})
        if getattr(settings, "SAAS_WATCH_LIVE", True):
            LISTENERS.append(Watch())
