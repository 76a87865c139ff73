"""How often: a principal, an operation, an organization and a network each have windows, and the
strictest one wins.
"""

import math
import random
import time
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.dispatch import Signal
from django.http import HttpRequest, HttpResponse

from saas import counters
from saas.context import Principal
from saas.counters import Counters, StoreUnavailable, Taken, Window
from saas.edge import networks
from saas.edge.address import client_ip, network_of
from saas.errors import Problem

JITTER = 1.0  # seconds at most, so that callers who wait do not come back together
IN_FLIGHT = "concurrent-requests"
LEAST, MOST = 0.1, 2.0  # how far the limits of a principal may be moved, whoever asks for it

# Each says, from memory alone, by how much the windows of a principal are moved; the smallest is
# taken. Those of networks, organizations, failed secrets and requests in flight stay as they are.
# A module joins in AppConfig.ready().
FACTORS: list[Callable[[HttpRequest, Principal], float]] = []

# Sent with `tenant_id`, `principal_id`, `factor` and `reasons` when somebody's limits have moved,
# once and not for each request; outside any request and transaction.
moved = Signal()


class Counted(NamedTuple):
    """What a request was counted in: the windows to report, and how to give its place back."""

    windows: Sequence[Taken] = ()
    leave: Callable[[], None] = lambda: None


def count_stranger(request: HttpRequest) -> None:
    """Count a request that proved nothing against its network; 429 when the network is over its
    limit.
    """
    _, taken = _take([_network_window(request)], "stranger")
    _remember_network(request, taken[0])
    _refuse_if_over(taken)


def count(request: HttpRequest, principal: Principal, rate: str) -> Counted:
    """Count a request in all its windows at once, or raise 429; gives the windows to report."""
    ticket, in_flight = counters.new_ticket(), _in_flight(principal)
    windows = [*_principal_windows(principal, rate, _factor(request, principal)), in_flight]
    if networks.is_refused(request) and networks.passes(request):
        store, own = _take(windows, rate, ticket)
    else:
        store, taken = _take([_network_window(request), *windows], rate, ticket)
        _remember_network(request, taken[0])
        own = taken[1:]  # a network's window would tell a caller about its neighbours
        if taken[0].wait > 0 and networks.passes(request):  # the first that hears of it here
            store, own = _take(windows, rate, ticket)
        else:
            _refuse_if_over(taken)
    _refuse_if_over(own)
    return Counted(own, partial(store.release, in_flight, ticket))


def _factor(request: HttpRequest, principal: Principal) -> float:
    """By how much the windows of this principal alone are moved."""
    if not FACTORS:
        return 1.0
    return min(MOST, max(LEAST, min(factor(request, principal) for factor in FACTORS)))


def _network_window(request: HttpRequest) -> Window:
    limit = settings.RATES["network"]
    return Window(f"net:{network_of(client_ip(request))}", limit.requests, limit.seconds)


def _principal_windows(principal: Principal, rate: str, factor: float = 1.0) -> tuple[Window, ...]:
    own = tuple((name, settings.RATES[name]) for name in ("principal", rate, "burst"))
    house = settings.RATES["organization"]
    return _windows_of(principal.id, own, factor, principal.tenant_id, house)


@lru_cache(1024)  # a caller has the same each time
def _windows_of(
    principal: UUID, own: tuple[tuple[str, Any], ...], factor: float, tenant: UUID, house: Any
) -> tuple[Window, ...]:
    return (
        *(_moved(name, principal, base, factor) for name, base in own),
        # One more key is one more principal; all keys of an organization are one organization.
        Window(f"organization:{tenant}", house.requests, house.seconds),
    )


def _moved(name: str, principal: UUID, base: Any, factor: float) -> Window:
    limit = max(1, round(base.requests * factor))
    return Window(f"{name}:{principal}", limit, base.seconds, of=base.requests)


def _in_flight(principal: Principal) -> Window:
    # Ten slow requests hold ten of our threads; without a bound one caller holds them all.
    most = settings.IN_FLIGHT
    return Window(f"{IN_FLIGHT}:{principal.id}", most.requests, most.seconds, held=True)


def _take(windows: Sequence[Window], rate: str, ticket: str = "") -> tuple[Counters, list[Taken]]:
    try:
        store = counters.shared()
        return store, store.take(windows, ticket=ticket)
    except StoreUnavailable:
        # Each class has said whether it goes on under this process's own count or waits until
        # somebody can count again.
        if settings.RATES_WITHOUT_STORE.get(rate) != "own-count":
            raise Problem("not-ready", "Requests cannot be counted at the moment.") from None
        return counters.local(), counters.local().take(windows, ticket=ticket)


def _remember_network(request: HttpRequest, state: Taken) -> None:
    """A refusal spends nothing, so there is no room before the time that it names: the edge says
    so again without asking.
    """
    if state.wait <= 0:
        return
    room_at = time.monotonic() + state.wait

    def again() -> None:
        if _network_window(request) == state.window:  # the limit is still the one that was passed
            _refuse_if_over([state._replace(wait=room_at - time.monotonic())])

    networks.remember(request, state.wait, again)


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
    policies = [_policy(s.window) for s in taken]
    states = [f'"{name_of(s.window)}";r={s.remaining};t={math.ceil(s.wait)}' for s in taken]
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(states)}


@lru_cache(1024)  # the same in every answer to a caller
def _policy(window: Window) -> str:
    unit = f'qu="{IN_FLIGHT}"' if window.held else f"w={window.seconds}"
    return f'"{name_of(window)}";q={window.limit};{unit}'


def report(response: HttpResponse, taken: Sequence[Taken]) -> None:
    """Tell a well-behaved client how much is left."""
    for name, value in fields(taken).items():
        response.headers.setdefault(name, value)
