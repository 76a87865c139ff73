"""A network that was refused a moment ago is refused again, before anything is looked up for it."""

import time
from collections.abc import Callable

from django.http import HttpRequest

from saas.edge.address import client_ip, network_of

SECONDS = 10.0  # that a process refuses without asking again
MOST = 10_000  # networks that it remembers: an attacker with many addresses fills no memory

# Each says, from memory alone, whether a request shows a credential that may pass although its
# network is refused: it is then proved, and counted in its own windows only. A module joins in
# AppConfig.ready().
PASSES: list[Callable[[HttpRequest], bool]] = []

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
    if refuse and time.monotonic() < until and not passes(request):
        refuse()


def passes(request: HttpRequest) -> bool:
    """Whether somebody vouches for what the request shows."""
    return any(may_pass(request) for may_pass in PASSES)


def is_refused(request: HttpRequest) -> bool:
    """Whether the network of `request` has been refused a moment ago."""
    until, _ = _refused.get(network_of(client_ip(request)), (0.0, None))
    return time.monotonic() < until
