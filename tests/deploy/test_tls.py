"""What the gateway agrees to when a client asks for something weak, in the bytes of the protocol:
no library of today still offers what is refused here.
"""

import os
import socket
import ssl
import struct
from collections.abc import Iterator

import pytest

from tests.gateway import HOST, Gateway, certify, connected, gateway, trusting
from tests.tls import __main__ as scan
from tests.tls.grade import compared

pytestmark = pytest.mark.practice("TRANS-04")

ALERT, HANDSHAKE = 21, 22
SSL3, TLS10, TLS11, TLS12 = 0x0300, 0x0301, 0x0302, 0x0303
GOOD = (0xC02F, 0xC030, 0xCCA8)  # ECDHE-RSA with AES-128-GCM, AES-256-GCM, ChaCha20
X25519, P256, P384, P521 = 29, 23, 24, 25


@pytest.fixture(scope="module")
def edge(tmp_path_factory) -> Iterator[Gateway]:
    """A gateway with an RSA key, which alone could do what is weakest."""
    certificate = certify(tmp_path_factory.mktemp("rsa"), HOST, "localhost", kind="rsa")
    with gateway("127.0.0.1:9", certificate=certificate) as running:
        yield running


def sized(length: str, content: bytes) -> bytes:
    """The content behind its own length."""
    return struct.pack(length, len(content)) + content


def hello(version: int, suites: tuple[int, ...], groups: tuple[int, ...]) -> bytes:
    """A ClientHello (RFC 5246 §7.4.1.2) that offers exactly this."""
    algorithms = struct.pack(">4H", 0x0401, 0x0804, 0x0201, 0x0501)
    extensions = {
        0: sized(">H", b"\0" + sized(">H", HOST.encode())),
        10: sized(">H", struct.pack(f">{len(groups)}H", *groups)),
        11: b"\1\0",
        13: sized(">H", algorithms),
    }
    said = struct.pack(">H", version) + os.urandom(32) + b"\0"
    said += sized(">H", struct.pack(f">{len(suites)}H", *suites)) + b"\1\0"
    told = b"".join(
        struct.pack(">H", kind) + sized(">H", part) for kind, part in extensions.items()
    )
    if version > SSL3:
        said += sized(">H", told)
    message = b"\1" + len(said).to_bytes(3, "big") + said
    return b"\x16" + struct.pack(">H", min(version, TLS10)) + sized(">H", message)


def answered(edge: Gateway, version: int, *suites: int, groups: tuple[int, ...] = (X25519,)) -> int:
    """The kind of the first record that comes back: a handshake goes on, an alert ends it."""
    with socket.create_connection(("127.0.0.1", edge.https), timeout=5) as wire:
        wire.sendall(hello(version, suites, groups))
        try:
            record = wire.recv(1)
        except ConnectionError:
            return ALERT
    return record[0] if record else ALERT


@pytest.mark.parametrize("suite", GOOD, ids=hex)
@pytest.mark.parametrize("group", [X25519, P256, P384])
def test_what_is_strong_is_spoken(edge, suite, group):
    assert answered(edge, TLS12, suite, groups=(group,)) == HANDSHAKE


@pytest.mark.parametrize("version", [SSL3, TLS10, TLS11], ids=hex)
def test_old_versions_end_at_once(edge, version):
    assert answered(edge, version, *GOOD, 0xC013, 0xC014, 0x002F, 0x0035, 0x000A) == ALERT


@pytest.mark.parametrize(
    "suites",
    [
        pytest.param((0x0004, 0x0005, 0xC011, 0xC007), id="RC4"),
        pytest.param((0x000A, 0xC012, 0x0016), id="3DES"),
        pytest.param((0xC013, 0xC014, 0x002F, 0x0035), id="CBC and SHA-1"),
        pytest.param((0xC027, 0xC028, 0x003C, 0x003D), id="CBC and SHA-2"),
        pytest.param((0x009C, 0x009D), id="static RSA, whose recordings open with the key"),
        pytest.param((0x009E, 0x009F, 0x0033, 0x0039, 0xCCAA), id="finite-field DH"),
        pytest.param((0x0003, 0x0006, 0x0008, 0x0014, 0x0062, 0x0064), id="export"),
        pytest.param((0x0001, 0x0002, 0x003B, 0xC010), id="NULL"),
        pytest.param((0x0018, 0x0034, 0x00A6, 0xC018), id="anonymous"),
    ],
)
def test_weak_suites_are_not_spoken(edge, suites):
    assert answered(edge, TLS12, *suites) == ALERT
    assert answered(edge, TLS12, *suites, *GOOD) == HANDSHAKE


def test_other_curves_are_not_spoken(edge):
    assert answered(edge, TLS12, *GOOD, groups=(P521,)) == ALERT


def test_the_newest_version_is_chosen_and_the_older_one_keeps_recordings_closed(edge):
    context = trusting(edge.certificate)
    with connected(edge.https, tls=context) as wire:
        assert wire.version() == "TLSv1.3"
        assert wire.session is None or not wire.session.has_ticket
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with connected(edge.https, tls=context) as wire:
        name, version, _bits = wire.cipher()
        assert version == "TLSv1.2"
        assert name.startswith("ECDHE-")
        assert "GCM" in name or "CHACHA20" in name
        assert wire.compression() is None
        assert not wire.session.has_ticket


@pytest.mark.practice("TRANS-05")
def test_the_scanner_is_believed_only_where_it_agrees_in_everything():
    expected = scan.tomllib.loads(scan.EXPECTATION.read_text())
    found = {
        f"{version}_cipher_suites": {
            "accepted_cipher_suites": [{"cipher_suite": {"openssl_name": name}} for name in names]
        }
        for version, names in expected["suites"]["rsa"].items()
    }
    curves = [{"name": name} for name in expected["curves"]["supported"]]
    found |= {"elliptic_curves": {"supported_curves": curves}}
    found |= {part: dict(facts) for part, facts in expected["facts"].items()}
    assert all(line.agrees for line in compared("rsa", found, expected))
    for part in found:
        without = {**found, part: None}
        assert not all(line.agrees for line in compared("rsa", without, expected)), part
    weak = {"cipher_suite": {"openssl_name": "AES128-SHA"}}
    found["tls_1_0_cipher_suites"] = {"accepted_cipher_suites": [weak]}
    (line,) = [line for line in compared("rsa", found, expected) if not line.agrees]
    assert line.fact == "rsa: tls_1_0"


@pytest.mark.drill
@pytest.mark.practice("TRANS-05")
def test_the_scan_gives_an_a():
    assert scan.main() == 0
