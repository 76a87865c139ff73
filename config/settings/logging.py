"""Logs are lines on standard output: the access line is JSON already, the rest is made so."""

import logging
from typing import Any

# No line of ours names a task or a place of the source, so none looks for them (the library's own
# page on optimization): the access log is on every request's way.
logging.logMultiprocessing = False
logging.logAsyncioTasks = False  # type: ignore[attr-defined]  # the stubs do not know it
logging._srcfile = None

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(message)s"},
        "json": {"()": "saas.disclosure.redaction.JsonFormatter"},
    },
    "handlers": {
        "access": {
            "class": "logging.StreamHandler",
            "stream": "ext://sys.stdout",
            "formatter": "line",
        },
        "events": {"class": "logging.StreamHandler", "formatter": "json"},
    },
    "loggers": {
        "saas.access": {"handlers": ["access"], "level": "INFO", "propagate": False},
        "saas.bodies": {"handlers": ["access"], "level": "INFO", "propagate": False},
        "saas.work": {"handlers": ["access"], "level": "INFO", "propagate": False},
        # Django's own line for each refusal would hold the raw path.
        "django.request": {"handlers": ["events"], "level": "CRITICAL", "propagate": False},
        "django.security": {"handlers": ["events"], "level": "CRITICAL", "propagate": False},
        # Its lines hold the raw path too, with the secret of an invitation, and people's addresses.
        "axes": {"handlers": ["events"], "level": "CRITICAL", "propagate": False},
    },
    "root": {"handlers": ["events"], "level": "INFO"},
}
