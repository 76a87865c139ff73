"""A network that was refused a moment ago is refused again, before anything is looked up for it."""

import time
from collections.abc import Callable

from django.http import HttpRequest

from saas.edge.address import client_ip, network_of

SECONDS = 10.0  # that a process refuses without asking again
MOST = 10_000  # networks that it remembers: an attacker with many addresses fills no memory

_refused: dict[str, tuple[float, Callable[[], None]]] = {}


def remember(request: HttpRequest, wait: float, refuse: Callable[[], None]) -> None:
    """The network of `request` has no room for `wait` seconds; `refuse` raises what it hears."""
    if len(_refused) >= MOST:
        _refused.clear()
    until = time.monotonic() + min(wait, SECONDS)
    _refused[network_of(client_ip(request))] = (until, refuse)


def refuse_again(request: HttpRequest) -> None:
    """Raise what the network of `request` heard, for as long as that is still true: each guess
    would otherwise cost a look-up, however often its network has been refused.
    """
    until, refuse = _refused.get(network_of(client_ip(request)), (0.0, None))
    if refuse and time.monotonic() < until:
        refuse()
