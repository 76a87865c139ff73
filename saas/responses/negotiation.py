"""There is one representation, so `Accept` has nothing to choose."""

from typing import Any

from rest_framework.negotiation import BaseContentNegotiation


class AlwaysJson(BaseContentNegotiation):
    """The first renderer, whatever a client accepts."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        """DRF parses nothing here: saas.validation does."""
        return None

    def select_renderer(
        self, request: Any, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        """JSON."""
        return renderers[0], renderers[0].media_type
