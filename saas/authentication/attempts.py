"""A guess is counted before the secret is looked at, so that a thousand at once are still ten."""

import math

from django.conf import settings
from django.http import HttpRequest
from django_ratelimit.core import get_usage
from redis import RedisError

from saas import counters
from saas.counters import StoreUnavailable
from saas.crypto import digest
from saas.edge.address import client_ip, network_of
from saas.errors import Problem


def count_network(request: HttpRequest, group: str) -> None:
    """Count a request to a place where secrets are tried against its network (RATES["sign-in"]).

    Raises 429, and 503 when nobody can count: here nothing is waved through. A fixed window is
    right for this one, and django-ratelimit keeps it.
    """
    rate = settings.RATES["sign-in"]
    try:
        usage = get_usage(
            request,
            group=f"{group}:",
            key=lambda *_: f"{network_of(client_ip(request))}:",
            rate=f"{rate.requests}/{rate.seconds}s",
            increment=True,
        )
    except RedisError:
        raise Problem("not-ready", "Requests cannot be counted at the moment.") from None
    if usage and usage["should_limit"]:
        raise _too_many(max(1, usage["time_left"]))


def reserve(kind: str, name: str, request: HttpRequest | None) -> str:
    """Reserve one try of a secret of `name` from this network, or from anywhere without a request;
    gives what `forgive` takes.

    After ten wrong ones in a row each further try waits longer: 429 with Retry-After. The pair
    is counted, so that a stranger elsewhere cannot lock the owner out.
    """
    key = _key(kind, name, network_of(client_ip(request)) if request else "")
    try:
        wait = counters.shared().attempt(key, settings.PATIENCE)
    except StoreUnavailable:
        raise Problem("not-ready", "Attempts cannot be counted at the moment.") from None
    if wait > 0:
        raise _too_many(math.ceil(wait))
    return key


def forgive(reserved: str) -> None:
    """The secret was right: what came before was a person with a bad memory."""
    try:
        counters.shared().forgive(reserved)
    except StoreUnavailable:
        raise Problem("not-ready", "Attempts cannot be counted at the moment.") from None


def _key(kind: str, name: str, network: str) -> str:
    # A digest: what somebody typed as a name may be a secret, and it may be long.
    return f"tries:{kind}:{digest(f'{name}\0{network}', purpose='attempt')}"


def _too_many(seconds: int) -> Problem:
    return Problem(
        "rate-limited",
        "Too many attempts. Wait as long as Retry-After says.",
        headers={"Retry-After": str(seconds)},
    )
