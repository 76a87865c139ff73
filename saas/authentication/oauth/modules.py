"""What a module may add to the authorization server; where none has joined, nothing here runs. It
joins in AppConfig.ready().
"""

from collections.abc import Callable, Sequence

from django.dispatch import Signal
from django.http import HttpRequest, HttpResponse

# Asked of each authorization request with its scopes, once client and redirect URI are known to be
# good and before a person is asked. Gives an answer in place of the page, or None; a Refusal is
# told to the client.
JUDGES: list[Callable[[HttpRequest, Sequence[str]], HttpResponse | None]] = []

# Sent inside the transaction of the consent, with the new `grant` and the person's `request`.
grant_made = Signal()
