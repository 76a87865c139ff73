"""Metrics and traces as a module: it listens to the access log and to the worker."""

from django.apps import AppConfig
from django.conf import settings


class MetricsConfig(AppConfig):
    """Join when the process starts; what is not asked for is not even imported."""

    name = "apps.metrics"

    def ready(self) -> None:
        """The check always; the counting only where somebody reads it."""
        from apps.metrics import checks  # noqa: F401  # registers itself

        if settings.SAAS_METRICS_PORT:
            from apps.metrics.counting import Counting

            Counting().join()
        if settings.SAAS_TRACES:
            from apps.metrics import spans

            spans.join()
