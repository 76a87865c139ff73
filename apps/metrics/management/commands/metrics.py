"""The process that answers Prometheus, on a port of its own that is not public."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

from apps.metrics import knobs
from apps.metrics.house import House


class Command(BaseCommand):
    """`manage.py metrics`: one on each machine, beside its web and worker processes."""

    help = "Serve on SAAS_METRICS_ADDRESS:SAAS_METRICS_PORT what the processes here have counted."

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until SIGTERM or Ctrl-C."""
        self.check()
        if not knobs.port():
            raise CommandError("SAAS_METRICS_PORT is not set: nobody counts, so nothing is served.")
        registry, house, stop = CollectorRegistry(), House(), threading.Event()
        MultiProcessCollector(registry, str(knobs.folder()))
        registry.register(house)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        try:
            server, thread = start_http_server(knobs.port(), knobs.address(), registry)
        except OSError as fault:
            raise CommandError(f"The port cannot be used: {fault.strerror}.") from None
        house.look_again_and_again(stop)
        server.shutdown()
        thread.join()
