"""What a module may add to the authorization server; where none has joined, nothing here runs."""

from collections.abc import Callable, Sequence
from typing import Any

from django.dispatch import Signal
from django.http import HttpRequest, HttpResponse

# Asked of each authorization request with its scopes, once client and redirect URI are known to be
# good and before a person is asked. Gives an answer in place of the page, or None; a Refusal is
# told to the client.
JUDGES: list[Callable[[HttpRequest, Sequence[str]], HttpResponse | None]] = []

# Sent inside the transaction of the consent, with the new `grant` and the person's `request`.
grant_made = Signal()

# Sent inside the transaction of the token endpoint, with the `token` that becomes the answer, the
# rows `access` and `grant` (None for a service) and oauthlib's `request`. Who raises undoes it all.
minted = Signal()

# Each gives further members of the metadata.
METADATA: list[Callable[[], dict[str, Any]]] = []
