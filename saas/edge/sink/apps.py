"""The sink as a module: with SAAS_LOG_SINK set, every line goes there too."""

import logging
from pathlib import Path

from django.apps import AppConfig
from django.conf import settings
from django.utils.module_loading import import_string


class SinkConfig(AppConfig):
    """It keeps no rows; its knobs stand here, and settings of the same names change them."""

    name = "saas.edge.sink"

    def ready(self) -> None:
        """Hear what the house itself would write."""
        address = getattr(settings, "SAAS_LOG_SINK", "")
        if not address:
            return
        from saas.edge.sink.handler import Lines, SinkHandler, parsed
        from saas.edge.sink.spool import Spool

        folder = getattr(settings, "SAAS_LOG_SPOOL", settings.BASE_DIR / "var" / "log-spool")
        most = getattr(settings, "SAAS_LOG_SPOOL_BYTES", 256 * 1024 * 1024)
        handler = SinkHandler(parsed(address), Spool(Path(folder), most))
        loggers = settings.LOGGING["loggers"]
        written = frozenset(name for name, one in loggers.items() if "access" in one["handlers"])
        other = import_string(settings.LOGGING["formatters"]["json"]["()"])
        handler.setFormatter(Lines(written, other()))
        for name in ["", *(name for name, one in loggers.items() if not one["propagate"])]:
            logging.getLogger(name).addHandler(handler)
