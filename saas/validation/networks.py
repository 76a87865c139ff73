"""A network that callers come from: an address, or an address and the length of its prefix."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

Network = IPv4Network | IPv6Network
PATTERN = r"^[0-9A-Fa-f.:]{2,45}(/[0-9]{1,3})?$"
FORM = re.compile(PATTERN.strip("^$"))
MAPPED = 96  # bits before the IPv4 address in ::ffff:192.0.2.1
# RFC 6890: whoever has such an address is inside our own house, or on nobody's network.
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
LOCAL = ("127.0.0.0/8", "169.254.0.0/16", "::1/128", "fe80::/10")
NOBODYS = ("0.0.0.0/8", "224.0.0.0/3", "::/8", "ff00::/8")


def lies_in(network: Network, others: tuple[str, ...]) -> bool:
    """Whether one of `others` holds all of `network`."""
    return any(
        isinstance(other, type(network)) and network.subnet_of(other)  # type: ignore[arg-type]  # of one version by now
        for other in map(ip_network, others)
    )


def unmapped(network: Network) -> Network:
    """The IPv4 network that an IPv6 one writes: callers are known by that (saas.edge.address)."""
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is None or network.prefixlen < MAPPED:
        return network
    return ip_network((mapped, network.prefixlen - MAPPED))


@extend_schema_field({"type": "string", "maxLength": 49, "pattern": PATTERN})
class NetworkText(serializers.Field):  # type: ignore[type-arg]  # of text
    """A network in its one spelling, where callers can be, and narrow enough to be a limit."""

    default_error_messages = {
        "invalid": 'This must be an IP address or a network, such as "203.0.113.0/24".',
        "too-wide": "This is wider than /{bits}: it would keep hardly anybody out.",
        "unreachable": "No caller can come from there.",
    }

    def to_internal_value(self, data: Any) -> str:
        """The network, with what stands behind its prefix set to nothing."""
        if not isinstance(data, str) or not FORM.fullmatch(data):
            self.fail("invalid")
        try:
            network = unmapped(ip_network(data, strict=False))
        except ValueError:
            self.fail("invalid")
        bits = settings.KEY_NETWORK_BITS[network.version]
        if network.prefixlen < bits:
            self.fail("too-wide", bits=bits)
        ours = () if settings.SAAS_PRIVATE_CLIENTS else (*PRIVATE, *LOCAL)
        if lies_in(network, ours) or (lies_in(network, NOBODYS) and not lies_in(network, LOCAL)):
            self.fail("unreachable")
        return str(network)

    def to_representation(self, value: str) -> str:
        """As it is kept."""
        return value
