"""oauthlib between our door and our rows: what it is given, and what it may decide."""

from typing import Any

from django.http import HttpRequest
from oauth2_provider.oauth2_backends import OAuthLibCore

from saas.crypto import hashed


def code_digest(code: str) -> str:
    """What we store of an authorization code."""
    return hashed(code)


class Server(OAuthLibCore):  # type: ignore[misc]  # the toolkit ships no types
    """The toolkit's bridge to oauthlib, which here never sees an authorization code."""

    def extract_body(self, request: HttpRequest) -> list[tuple[str, str]]:
        """The form, with the digest in place of the code; so the toolkit asks the table for what
        is in it.
        """
        fields: list[Any] = super().extract_body(request)
        return [
            (name, code_digest(value)) if name == "code" and value else (name, value)
            for name, value in fields
        ]
