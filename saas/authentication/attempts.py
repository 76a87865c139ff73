"""A guess is counted before the secret is looked at, so that a thousand at once are still ten."""

import math
from typing import NamedTuple

from django.conf import settings
from django.dispatch import Signal
from django.http import HttpRequest
from django_ratelimit.core import get_usage
from redis import RedisError

from saas import counters
from saas.authentication import devices
from saas.counters import Counters, Patience, StoreUnavailable, Window
from saas.crypto import digest
from saas.edge.address import client_ip, network_of
from saas.errors import Problem

# Sent with `network`, and the `name` that was tried last, at the moment when sign-in is shut for
# the network (RATE-09); once for each time.
network_shut = Signal()


class Try(NamedTuple):
    """One reserved look at a secret: what is forgotten when it was right, the network that answers
    for it when it was wrong, and the name of its hit there.
    """

    keys: tuple[str, ...]
    network: str | None
    ticket: str = ""
    name: str = ""


def count_network(request: HttpRequest, group: str, *, name: str = "") -> None:
    """Count a request to a place where secrets are tried against its network (RATES["sign-in"]);
    that of a browser which the person of this name has used, against the browser.

    Raises 429, and 503 when nobody can count: here nothing is waved through. A fixed window is
    right for this one, and django-ratelimit keeps it.
    """
    rate = settings.RATES["sign-in"]
    place = (name and devices.known(request, name)) or network_of(client_ip(request))
    try:
        usage = get_usage(
            request,
            group=f"{group}:",
            key=lambda *_: f"{place}:",
            rate=f"{rate.requests}/{rate.seconds}s",
            increment=True,
        )
    except RedisError:
        raise Problem("not-ready", "Requests cannot be counted at the moment.") from None
    if usage and usage["should_limit"]:
        raise _too_many(usage["time_left"])


def reserve(
    kind: str,
    name: str,
    request: HttpRequest | None,
    *,
    patience: Patience | None = None,
    signs_in: bool = False,
) -> Try:
    """Reserve one look at a secret that `name` chose; without a request from anywhere at all.
    `forgive` it when the secret was right, and report it `missed` when it was wrong.

    Raises 429 with Retry-After. Counted is first the pair of name and network, so that a stranger
    elsewhere locks nobody out; then, for a sign-in, the network; and the name from everywhere, so
    that a thousand networks have no thousand times ten guesses. A browser that the person has used
    counts in place of the network and of everywhere: its owner is never locked out by others.
    """
    device = devices.known(request, name) if request else None
    network = network_of(client_ip(request)) if request else ""
    pair = _key(kind, name, device or network)
    charged = network if signs_in and not device else None
    ticket = counters.new_ticket()
    try:
        store = counters.shared()
        if charged:
            _refuse_if_shut(store, charged)
        _attempt(store, pair, patience or settings.PATIENCE)
        if charged:
            _take_turn(store, charged, ticket)
        ceilings = [_key(f"{kind}-ceiling", name, place) for place in ("", device or "")]
        if request:
            _attempt(store, ceilings[1], settings.CEILING)
    except StoreUnavailable:
        raise Problem("not-ready", "Attempts cannot be counted at the moment.") from None
    return Try((pair, *ceilings), charged, ticket, name)


def forgive(tried: Try) -> None:
    """The secret was right: what came before was a person with a bad memory. The network gets
    back what this one try took, and no more: who has an account does not wash off other guesses.
    """
    try:
        store = counters.shared()
        for key in dict.fromkeys(tried.keys):
            store.forgive(key)
        if tried.network:
            store.release(_turns(tried.network), tried.ticket)
            store.release(_failed(tried.network), tried.ticket)
    except StoreUnavailable:
        raise Problem("not-ready", "Attempts cannot be counted at the moment.") from None


def missed(tried: Try) -> None:
    """The secret was wrong: the tenth from one network in five minutes shuts sign-in for it."""
    if not tried.network:
        return
    try:
        store = counters.shared()
        [failed] = store.take([_failed(tried.network)], ticket=tried.ticket)
        if failed.remaining == 0:
            [shut] = store.take([_shut(tried.network)])
            if not shut.wait:
                network_shut.send_robust(sender=None, network=tried.network, name=tried.name)
    except StoreUnavailable:
        raise Problem("not-ready", "Attempts cannot be counted at the moment.") from None


def forget(kind: str, name: str) -> None:
    """The secret of this name is a new one: guesses at the old one count no more."""
    try:
        counters.shared().forgive(_key(f"{kind}-ceiling", name, ""))
    except StoreUnavailable:
        raise Problem("not-ready", "Attempts cannot be counted at the moment.") from None


def count_wrong(kind: str, name: str, request: HttpRequest) -> None:
    """Count a wrong secret of the random kind, which was looked at already. After ten in a row the
    answer is 429, whatever was sent.

    A key or client secret has 256 bits and costs microseconds to look at: what a guesser must not
    get is answers, and what an honest machine must get, however many ask at once and whoever
    guesses beside it, is its own.
    """
    key = _key(kind, name, network_of(client_ip(request)))
    try:
        _attempt(counters.shared(), key, settings.PATIENCE)
    except StoreUnavailable:
        _attempt(counters.local(), key, settings.PATIENCE)


def _attempt(store: Counters, key: str, patience: Patience) -> None:
    wait = store.attempt(key, patience)
    if wait > 0:
        raise _too_many(wait)


def _refuse_if_shut(store: Counters, network: str) -> None:
    [shut] = store.take([_shut(network)], spend=False)
    if shut.wait > 0:
        raise _too_many(shut.wait)


def _take_turn(store: Counters, network: str, ticket: str) -> None:
    """Those under way count as if they were wrong, until it is known: so that no more than ten
    wrong ones are ever looked at, and ten right ones wait a second for each other at most.
    """
    [turn] = store.take([_turns(network)], ticket=ticket)
    if turn.wait > 0:
        _refuse_if_shut(store, network)
        raise _too_many(1)


def _turns(network: str) -> Window:
    rate = settings.SIGN_IN_FAILURES
    return Window(f"trying:{network}", rate.requests, rate.seconds)


def _failed(network: str) -> Window:
    return _turns(network)._replace(key=f"failed:{network}")


def _shut(network: str) -> Window:
    return Window(f"shut:{network}", 1, settings.SIGN_IN_SHUT)


def _key(kind: str, name: str, place: str) -> str:
    # A digest: what somebody typed as a name may be a secret, and it may be long.
    named = f"{devices.folded(name)}\0{place}"
    return f"tries:{kind}:{digest(named, purpose='attempt')}"


def _too_many(seconds: float) -> Problem:
    """Says when to come back, and not how many tries there were: a guesser would stay one below."""
    wait = str(max(1, math.ceil(seconds)))
    return Problem(
        "rate-limited",
        "Too many attempts. Wait as long as Retry-After says.",
        headers={
            "Retry-After": wait,
            "RateLimit-Policy": f'"attempts";q=1;w={wait}',
            "RateLimit": f'"attempts";r=0;t={wait}',
        },
    )
