"""How often: a principal, a network and an operation each have windows, and the strictest one
wins.
"""

import math
import random
from collections.abc import Sequence

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from saas import counters
from saas.context import Principal
from saas.counters import StoreUnavailable, Taken, Window
from saas.edge.address import client_ip, network_of
from saas.errors import Problem

HOUR = 3600
JITTER = 1.0  # seconds at most, so that callers who wait do not come back together


def count_stranger(request: HttpRequest) -> None:
    """Count a request that proved nothing against its network; 429 when the network is over its
    limit.
    """
    _refuse_if_over(_take([_network_window(request)], "stranger"))


def count(request: HttpRequest, principal: Principal, rate: str) -> list[Taken]:
    """Count a request in all its windows at once, or raise 429; gives the windows to report."""
    taken = _take([_network_window(request), *_principal_windows(principal, rate)], rate)
    _refuse_if_over(taken)
    return taken[1:]  # a network's window would tell a caller about its neighbours


def _network_window(request: HttpRequest) -> Window:
    limit = settings.RATES["network"]
    return Window(f"net:{network_of(client_ip(request))}", limit.requests, limit.seconds)


def _principal_windows(principal: Principal, rate: str) -> list[Window]:
    everything, burst, own = (settings.RATES[name] for name in ("principal", "burst", rate))
    return [
        Window(f"principal:{principal.id}", everything.requests, everything.seconds),
        Window(f"{rate}:{principal.id}", own.requests, own.seconds),
        Window(f"burst:{principal.id}", burst.requests, burst.seconds),
    ]


def _take(windows: Sequence[Window], rate: str) -> list[Taken]:
    try:
        return counters.shared().take(windows)
    except StoreUnavailable:
        # Reads go on under this process's own count; what changes things waits until we can count
        # again.
        if rate not in settings.RATES_WITHOUT_STORE:
            raise Problem("not-ready", "Requests cannot be counted at the moment.") from None
        return counters.local().take(windows)


def _refuse_if_over(taken: Sequence[Taken]) -> None:
    over = [state for state in taken if state.wait > 0]
    if not over:
        return
    wait = max(state.wait for state in over)
    names = [name_of(state.window) for state in over]
    raise Problem(
        "rate-limited",
        "Too many requests. Wait as long as Retry-After says.",
        headers={"Retry-After": str(math.ceil(wait + random.uniform(0, JITTER))), **fields(over)},  # noqa: S311  # jitter, not a secret
        extra={"violated-policies": names},
    )


def name_of(window: Window) -> str:
    """The public name of a window: its class, never whom it counts."""
    return window.key.partition(":")[0]


def fields(taken: Sequence[Taken]) -> dict[str, str]:
    """`RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10), seconds rounded
    up.
    """
    policies = [f'"{name_of(s.window)}";q={s.window.limit};w={s.window.seconds}' for s in taken]
    states = [f'"{name_of(s.window)}";r={s.remaining};t={math.ceil(s.wait)}' for s in taken]
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(states)}


def report(response: HttpResponse, taken: Sequence[Taken]) -> None:
    """Tell a well-behaved client how much is left."""
    for name, value in fields(taken).items():
        response.headers.setdefault(name, value)
