"""The real nginx with the configuration of deploy/nginx, on loopback, and certificates for it."""

import http.client
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from tests.practices import ROOT
from tests.servers.debian import debian
from tests.servers.places import give_away, ordinary

NGINX = ROOT / "deploy" / "nginx"
HOST = "api.strongroom.example"
ORIGIN = f"https://{HOST}"
PATIENCE = 30  # seconds


class Certificate(NamedTuple):
    """A self-signed certificate and its key, as files; a client trusts it as its own root."""

    chain: Path
    key: Path


class Gateway(NamedTuple):
    """A running nginx."""

    http: int
    https: int
    certificate: Certificate
    log: Path  # a line for each request
    errors: Path

    def lines(self, count: int) -> list[str]:
        """Its log, once that has `count` lines: nginx answers first, and writes then."""
        deadline = time.monotonic() + PATIENCE
        while len(lines := self.log.read_text().splitlines()) < count:
            assert time.monotonic() < deadline, lines
            time.sleep(0.02)
        return lines


class Answer(NamedTuple):
    """What came back; `headers` as pairs, since a header may come twice."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        """Every value of one header."""
        return [value for header, value in self.headers if header.lower() == name.lower()]


def certify(folder: Path, *names: str, kind: str = "ecdsa") -> Certificate:
    """A certificate for these names that lives a day, made in `folder`."""
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = (
        ec.generate_private_key(ec.SECP256R1())
        if kind == "ecdsa"
        else rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(alternatives, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    made = Certificate(folder / "chain.pem", folder / "key.pem")
    made.chain.write_bytes(certificate.public_bytes(Encoding.PEM))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    made.key.write_bytes(pem)
    made.key.chmod(0o600)
    return made


@contextmanager
def gateway(
    application: str,
    *,
    certificate: Certificate | None = None,
    patience: str = "15s",
    **variables: str,
) -> Iterator[Gateway]:
    """nginx before the `application` (host:port); `variables` as deploy/nginx/start reads them."""
    program = debian("nginx", "nginx")
    with tempfile.TemporaryDirectory(prefix="gateway-") as temporary:
        folder = Path(temporary)
        source = Path(shutil.copytree(NGINX, folder / "source"))
        if patience != "15s":
            main = source / "nginx.conf"
            main.write_text(main.read_text().replace("15s", patience))
        certificate = certificate or certify(folder, HOST, "localhost")
        own = Certificate(
            Path(shutil.copy(certificate.chain, folder / "chain-here.pem")),
            Path(shutil.copy(certificate.key, folder / "key-here.pem")),
        )
        for path in [folder, *folder.rglob("*")]:
            give_away(path)
        running = Gateway(*spare(2), own, folder / "access.log", folder / "errors")
        environment = {
            "EDGE_FOLDER": str(folder / "run"),
            "EDGE_HTTP": f"127.0.0.1:{running.http}",
            "EDGE_HTTPS": f"127.0.0.1:{running.https}",
            "EDGE_APPLICATION": application,
            "EDGE_ORIGIN": ORIGIN,
            "EDGE_NAMES": f"{HOST} localhost",
            "EDGE_CERTIFICATE": str(own.chain),
            "EDGE_KEY": str(own.key),
            "EDGE_LOG": str(running.log),
            "EDGE_NGINX": str(program),
            **variables,
        }
        options = ordinary(folder)
        options["env"] |= environment
        with running.errors.open("wb") as output:
            process = subprocess.Popen(
                ["sh", source / "start"], stdout=output, stderr=subprocess.STDOUT, **options
            )
        try:
            wait_for(running, process)
            yield running
        finally:
            process.terminate()
            process.wait(timeout=60)


def wait_for(running: Gateway, process: "subprocess.Popen[bytes]") -> None:
    """Until it listens; fails with nginx's own words."""
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", running.http), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"nginx does not start:\n{running.errors.read_text()}")


def spare(count: int) -> list[int]:
    """So many ports that nobody listens on. All are held before one is let go: the next one that is
    asked for may be the last.
    """
    with ExitStack() as stack:
        found = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(one.getsockname()[1]) for one in found]


def trusting(certificate: Certificate) -> ssl.SSLContext:
    """What a careful client does: this certificate and no other."""
    return ssl.create_default_context(cafile=str(certificate.chain))


def connected(
    port: int, *, tls: ssl.SSLContext | None = None, name: str = HOST, source: str = "127.0.0.1"
) -> socket.socket:
    """A connection to loopback, with TLS where a context is given; each test has its `source`."""
    wire = socket.create_connection(("127.0.0.1", port), timeout=60, source_address=(source, 0))
    return tls.wrap_socket(wire, server_hostname=name) if tls else wire


def ask(wire: socket.socket, request: bytes) -> Answer:
    """Send these bytes as they are, and read the answer."""
    with wire:
        wire.sendall(request)
        answer = http.client.HTTPResponse(wire, method=request.partition(b" ")[0].decode("latin-1"))
        answer.begin()
        return Answer(answer.status, answer.getheaders(), answer.read())


def head(method: str = "GET", path: str = "/api/v1/customers", **headers: Any) -> bytes:
    """The head of a request to our host; a header set to None is left out."""
    named = {"Host": HOST} | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in named.items() if value is not None]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "Connection: close", "", ""]).encode()


def supported(program: str) -> bool:
    """Whether this machine has a program."""
    return shutil.which(program, path=os.environ.get("PATH")) is not None
