"""One answer to "from where?", whatever a caller writes into its headers (X-17)."""

from typing import Any

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from saas.edge.address import UNKNOWN, client_ip, is_https, network_of
from tests.saas.wire import send

pytestmark = [pytest.mark.core, pytest.mark.practice("X-17")]

PROXIES = ["10.0.0.0/8", "2001:db8:ffff::/48"]


def seen_from(peer: str, forwarded: str | None = None, **headers: Any) -> str:
    """The client's address when `peer` connects with this X-Forwarded-For."""
    if forwarded is not None:
        headers["HTTP_X_FORWARDED_FOR"] = forwarded
    return str(client_ip(RequestFactory().get("/", REMOTE_ADDR=peer, **headers)))


@pytest.mark.parametrize("peer", ["203.0.113.9", "2001:db8::9"])
@pytest.mark.parametrize("header", ["HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP"])
def test_nobody_but_our_own_proxies_is_believed(settings, peer, header):
    settings.SAAS_TRUSTED_PROXIES = PROXIES
    assert seen_from(peer, **{header: "198.51.100.1"}) == peer


@given(forged=st.text(max_size=200))
def test_no_text_at_all_moves_a_client_that_connects_directly(forged):
    assert seen_from("203.0.113.9", forged) == "203.0.113.9"


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        (None, "10.0.0.1"),
        ("", "10.0.0.1"),
        ("203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9", "203.0.113.9"),  # the left one is the caller's invention
        ("203.0.113.9, 10.0.0.7", "203.0.113.9"),  # two proxies of ours in a row
        ("198.51.100.1, 203.0.113.9, 10.0.0.7, 2001:db8:ffff::7", "203.0.113.9"),
        ("2001:db8::9", "2001:db8::9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),  # the same client, written as IPv6
        (" 203.0.113.9 ", "203.0.113.9"),
        ("198.51.100.1, garbage", "10.0.0.1"),
        ("198.51.100.1,", "10.0.0.1"),
        ("203.0.113.9:4711", "10.0.0.1"),
        ("203.0.113.09", "10.0.0.1"),
        ("\uff11.2.3.4", "10.0.0.1"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),  # a caller inside the house
    ],
)
def test_behind_our_proxies_the_nearest_stranger_is_the_client(settings, forwarded, expected):
    settings.SAAS_TRUSTED_PROXIES = PROXIES
    assert seen_from("10.0.0.1", forwarded) == expected


def test_a_proxy_that_connects_by_a_mapped_address_is_still_ours(settings):
    settings.SAAS_TRUSTED_PROXIES = PROXIES
    assert seen_from("::ffff:10.0.0.1", "203.0.113.9") == "203.0.113.9"


def test_a_chain_without_end_is_walked_ten_hops_and_no_further(settings):
    settings.SAAS_TRUSTED_PROXIES = PROXIES
    assert seen_from("10.0.0.1", ", ".join(["198.51.100.1", *["10.0.0.2"] * 10])) == "10.0.0.2"


@pytest.mark.parametrize("peer", ["", "unix:", "not an address"])
def test_without_an_address_every_caller_shares_the_unknown_one(settings, peer):
    settings.SAAS_TRUSTED_PROXIES = PROXIES
    assert seen_from(peer, "203.0.113.9") == str(UNKNOWN)


def test_an_ipv6_customer_is_one_network_however_many_addresses_they_own(settings):
    addresses = [seen_from(f"2001:db8:1:2::{host:x}") for host in (1, 2, 0xFFFF)]
    assert len(set(addresses)) == 3
    networks = {network_of(client_ip(RequestFactory().get("/", REMOTE_ADDR=a))) for a in addresses}
    assert networks == {"2001:db8:1:2::/64"}


@pytest.mark.parametrize(
    ("scheme", "peer", "proto", "expected"),
    [
        ("https", "203.0.113.9", "", True),
        ("http", "203.0.113.9", "", False),
        ("http", "203.0.113.9", "https", False),  # anybody can write the header
        ("http", "10.0.0.1", "https", True),
        ("http", "10.0.0.1", "http", False),
        ("http", "10.0.0.1", "https,http", False),
        ("http", "10.0.0.1", "HTTPS", False),
        ("http", "", "https", False),
    ],
)
@pytest.mark.practice("TRANS-02")
def test_a_connection_is_encrypted_when_we_or_our_proxy_saw_it(
    settings, scheme, peer, proto, expected
):
    settings.SAAS_TRUSTED_PROXIES = PROXIES
    environ = {"wsgi.url_scheme": scheme, "REMOTE_ADDR": peer, "HTTP_X_FORWARDED_PROTO": proto}
    assert is_https(RequestFactory().get("/", **environ)) is expected


def test_log_and_limits_see_the_same_address(settings, db, lines):
    settings.SAAS_TRUSTED_PROXIES = PROXIES
    spoofed = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9", "X-Real-IP": "198.51.100.2"}
    send("GET", REMOTE_ADDR="10.0.0.1", headers=spoofed)
    send("GET", REMOTE_ADDR="203.0.113.7", headers=spoofed)
    assert [line["ip"] for line in lines] == ["203.0.113.9", "203.0.113.7"]
