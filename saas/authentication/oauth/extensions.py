"""What a module may add to the authorization server, and when it is asked."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest


class Extension:
    """A guest of the authorization server; it overrides the moments that it cares for.

    Everything up to `minted` runs inside the token endpoint's one transaction, so what a guest
    writes lives or dies with the tokens. Two moments belong to the authorization endpoint:
    `requested`, before a person is asked, and `consented`, when they have said yes.
    """

    def requested(self, request: Any) -> None:
        """An authorization request came; raise an error of oauthlib to send it back."""

    def consented(self, request: Any, grant: Any) -> None:
        """A code was made for it."""

    def asked(self, request: HttpRequest, form: Mapping[str, str], client: Any) -> None:
        """A known client asks for tokens; raise Refusal before anything is judged or consumed."""

    def judged(self, request: Any, grant: Any) -> bool:
        """Whether a code or refresh token of this locked grant may be used so: else
        `invalid_grant`, and nothing is consumed.
        """
        return True

    def minted(self, request: Any, token: dict[str, Any], access: Any, grant: Any) -> None:
        """Tokens were made: `token` is the answer on its way, `access` the new row, `grant` None
        for a service.
        """

    def told(self, access: Any) -> dict[str, Any]:
        """What introspection says besides; the row carries what `models.JOINED` found."""
        return {}

    def metadata(self) -> dict[str, Any]:
        """What the server says of itself besides (RFC 8414)."""
        return {}


# A module appends its own in AppConfig.ready(); without one nothing here costs anything.
EXTENSIONS: list[Extension] = []
