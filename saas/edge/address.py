"""One answer to "from where?", used by limits, logs and rules alike."""

from functools import cache, lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

Address = IPv4Address | IPv6Address
UNKNOWN = ip_address("0.0.0.0")  # noqa: S104  # the name for "no address", nothing is bound to it
MAX_HOPS = 10


@cache
def _trusted(networks: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(network) for network in networks)


def is_trusted_proxy(address: Address) -> bool:
    """Whether `address` is one of our own proxies (SAAS_TRUSTED_PROXIES)."""
    return any(address in network for network in _trusted(tuple(settings.SAAS_TRUSTED_PROXIES)))


@lru_cache(4096)  # a request asks several times
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
    address = _parse(request.META.get("REMOTE_ADDR", "")) or UNKNOWN
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
    peer = _parse(request.META.get("REMOTE_ADDR", ""))
    proto = request.META.get("HTTP_X_FORWARDED_PROTO", "")
    return peer is not None and is_trusted_proxy(peer) and proto == "https"
