"""One answer to "from where?", used by limits, logs and rules alike."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
UNKNOWN = ip_address("0.0.0.0")  # noqa: S104  # the name for "no address", nothing is bound to it
MAX_HOPS = 10


@lru_cache(maxsize=4096)
def _parsed(network: str) -> Network:
    return ip_network(network)


def is_within(address: Address, networks: Iterable[str]) -> bool:
    """Whether one of `networks`, as they are kept, holds `address`."""
    return any(address in _parsed(network) for network in networks)


def is_part_of(network: str, networks: Iterable[str]) -> bool:
    """Whether one of `networks` holds all of `network`."""
    own = _parsed(network)
    others = (_parsed(other) for other in networks)
    return any(own.version == other.version and own.subnet_of(other) for other in others)  # type: ignore[arg-type]  # of one version, which is asked first


def peer(request: HttpRequest) -> Address:
    """Who holds the other end of the connection: one of our proxies, or the client itself."""
    return _parse(request.META.get("REMOTE_ADDR", "")) or UNKNOWN


def is_trusted_proxy(address: Address) -> bool:
    """Whether `address` is one of our own proxies (SAAS_TRUSTED_PROXIES)."""
    return is_within(address, settings.SAAS_TRUSTED_PROXIES)


@lru_cache(4096)
def _parse(text: str) -> Address | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def client_ip(request: HttpRequest) -> Address:
    """The nearest address that is not one of our own proxies.

    Each proxy appends the address that it saw, so only what our own proxies wrote can be
    believed: we walk X-Forwarded-For from the right and stop at the first hop that we do not
    run. The left-most entry, which a client writes at will, is never believed.
    """
    known: Address | None = vars(request).get("client_ip")  # a request asks several times
    if known is None:
        known = request.client_ip = _nearest(request)  # type: ignore[attr-defined]  # ours
    return known


def _nearest(request: HttpRequest) -> Address:
    address = peer(request)
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")[-MAX_HOPS:]
    for hop in reversed(hops):
        if not is_trusted_proxy(address):
            break
        parsed = _parse(hop)
        if parsed is None:
            break
        address = parsed
    return address


@lru_cache(4096)
def network_of(address: Address) -> str:
    """The unit that limits count: an IPv4 address, or the /64 that one IPv6 customer owns."""
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return str(address)


def is_https(request: HttpRequest) -> bool:
    """Whether the client's own connection was encrypted: ours, or as a trusted proxy reports it."""
    if request.META.get("wsgi.url_scheme") == "https":
        return True
    proto = request.META.get("HTTP_X_FORWARDED_PROTO", "")
    return proto == "https" and is_trusted_proxy(peer(request))
