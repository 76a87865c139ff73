"""Answers as bytes."""

from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework.renderers import BaseRenderer
from rest_framework.utils.encoders import JSONEncoder


class JsonRenderer(BaseRenderer):
    """JSON in UTF-8; instants, which are read from the database in UTC, end in Z."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """The body."""
        if renderer_context:
            _untie(renderer_context)
        return b"" if data is None else orjson.dumps(data, _other, orjson.OPT_UTC_Z)


def _untie(context: Any) -> None:
    """DRF ties view, request and answer into circles. Nobody asks for them after this, and all that
    hangs on them would wait for Python's collector.
    """
    context["request"].parser_context.clear()
    vars(context["view"]).clear()
    context.clear()


def _other(value: Any) -> Any:
    """What orjson does not know, as DRF writes it."""
    return JSONEncoder().default(value)
