"""What a module may add to the authorization server; where none has joined, nothing here runs. It
joins in AppConfig.ready().
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.dispatch import Signal
from django.http import HttpRequest, HttpResponse

# Asked of each authorization request with its scopes, once client and redirect URI are known to be
# good and before a person is asked. Gives an answer in place of the page, or None; a Refusal is
# told to the client.
JUDGES: list[Callable[[HttpRequest, Sequence[str]], HttpResponse | None]] = []

# Sent inside the transaction of the consent, with the new `grant` and the person's `request`.
grant_made = Signal()

# Asked of each request for tokens with its form and its client, inside the transaction of the token
# endpoint and before anything is judged or consumed. A Refusal is told to the client.
TOKEN_JUDGES: list[Callable[[HttpRequest, Mapping[str, str], Any], None]] = []

# Asked of each good code and refresh token, with oauthlib's request and the locked grant: unless
# all say yes it is an invalid grant, and nothing is consumed.
GRANT_JUDGES: list[Callable[[Any, Any], bool]] = []

# Sent inside the transaction of the token endpoint, with the `token` that becomes the answer, the
# rows `access` and `grant` (None for a service) and oauthlib's `request`. Who raises undoes it all.
minted = Signal()

# Each gives further members of what introspection says of a living access token; who says that it
# is not `active` ends all of them.
FACTS: list[Callable[[Any], dict[str, Any]]] = []

# Each gives further members of the metadata.
METADATA: list[Callable[[], dict[str, Any]]] = []
