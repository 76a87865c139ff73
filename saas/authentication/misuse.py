"""A key that is shown where it opens nothing tells its owner, and whoever shows it learns
nothing."""

from typing import Any, NamedTuple, cast

from django.dispatch import Signal
from django.http import HttpRequest, HttpResponse

from saas.context import Principal
from saas.edge.address import Address, client_ip
from saas.edge.log import TracedRequest

ELSEWHERE = "elsewhere"
HONEYTOKEN = "honeytoken"

# Sent when an answer has left and its transaction is over, with a Misuse as `misuse`.
key_misused = Signal()


class Misuse(NamedTuple):
    """Which key was shown, how it was misused, from where and at what. The path holds no text of
    the caller's own: it met a route that takes ids and nothing else.
    """

    principal: Principal
    how: str
    address: Address
    path: str
    request_id: str


def note(request: HttpRequest, principal: Principal, how: str) -> None:
    """Remember it until the answer has left, and name the key in the access log."""
    traced = cast(TracedRequest, request)
    traced.facts.org = str(principal.tenant_id)
    traced.facts.credential_id = str(principal.credential_id)
    traced.facts.misuse = Misuse(
        principal, how, client_ip(request), request.path_info, traced.request_id
    )


def tell_afterwards(response: HttpResponse, misuse: Misuse) -> None:
    """Tell whoever listens once the caller has the answer: an alarm that takes time before it would
    be heard by the thief. A server closes every answer, also one that nobody waits for (PEP 3333).
    """
    close = response.close

    def close_and_tell() -> None:
        key_misused.send_robust(sender=None, misuse=misuse)
        close()

    cast(Any, response).close = close_and_tell
