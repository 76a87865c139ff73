"""What our own logs may hold: one line for each event, and no secret that a message let slip."""

import json
import logging
import re
from datetime import UTC, datetime

from saas.context import traced

SECRET = re.compile(r"sr_[a-z]+_[0-9A-Za-z]{20,}|(?i:bearer|dpop) [\w.~+/=-]{16,}")


def redact(text: str) -> str:
    """`text` with everything of the form of a credential struck out."""
    return SECRET.sub("[redacted]", text)


class JsonFormatter(logging.Formatter):
    """One JSON object on one line, so that no message can forge a second one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        if trace := traced.get():
            line |= trace._asdict()
        if request_id := getattr(record, "request_id", None):
            line["request_id"] = request_id
        if record.exc_info:
            line["stack"] = redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=True)
