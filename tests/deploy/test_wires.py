"""The wires behind us: each speaks TLS to a peer that proves who it is, and to no other."""

import logging
import shutil
import smtplib
import socket
import ssl
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from types import SimpleNamespace
from urllib.parse import urlsplit

import psycopg
import pytest
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

from config.settings import base
from saas.counters import StoreUnavailable, Window
from saas.counters.store import RedisCounters
from saas.edge import remotes
from tests.gateway import Certificate, certify
from tests.practices import ROOT
from tests.servers import keeper
from tests.servers.places import give_away, postgresql_places

pytestmark = pytest.mark.practice("TRANS-01")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """One that the servers' own account may enter."""
    with tempfile.TemporaryDirectory(prefix="wires-", ignore_cleanup_errors=True) as temporary:
        give_away(Path(temporary))
        yield Path(temporary)


@pytest.fixture(scope="module")
def certificates(folder) -> dict[str, Certificate]:
    """The peer's own, one of another name, and one that nobody here trusts."""
    made = {}
    for kind, host in (
        ("own", "localhost"),
        ("other name", "db.example"),
        ("stranger", "localhost"),
    ):
        home = folder / kind.replace(" ", "-")
        home.mkdir()
        made[kind] = certify(home, host)
        for path in (home, *made[kind]):
            give_away(path)
    return made


@contextmanager
def postgresql(folder, certificate: Certificate) -> Iterator[int]:
    """The port of a real cluster that speaks TLS with this certificate."""
    binaries = next(postgresql_places(folder), None)
    if binaries is None:
        pytest.skip("No PostgreSQL on this machine")
    home = folder / "cluster"
    if not home.exists():
        home.mkdir(mode=0o700)
        give_away(home)
        keeper.make_cluster(binaries, home, "postgres", "secret")

    shutil.copy(ROOT / "deploy" / "postgres" / "pg_hba.conf", home)
    give_away(home / "pg_hba.conf")

    def command(port):
        options = keeper.NOTHING_WORTH_KEEPING | {
            "ssl": "on",
            "ssl_cert_file": certificate.chain,
            "ssl_key_file": certificate.key,
            "hba_file": home / "pg_hba.conf",
        }
        given = [f"--{name}={value}" for name, value in options.items()]
        return [binaries / "postgres", "-D", home / "data", "-p", str(port), *given]

    def connect(port):
        where = f"host=127.0.0.1 port={port} user=postgres password=secret dbname=postgres"
        return psycopg.connect(where + " sslmode=require").close()

    try:
        end = keeper.signal.SIGINT
        with keeper.running(command, connect, psycopg.OperationalError, home, end) as (port, _):
            yield port
    except keeper.CannotStart as reason:
        if "not supported by this build" in str(reason):
            pytest.skip(f"{binaries} was built without TLS")
        raise


def asked(port: int, root) -> bool:
    """Whether our own settings reach the cluster, and whether the wire was then in TLS."""
    url = f"postgres://postgres:secret@localhost:{port}/postgres?sslmode=verify-full&sslrootcert={root}"
    config = base.postgresql(url)
    options = {name: config["OPTIONS"][name] for name in ("sslmode", "sslrootcert")}
    where = {"host": "localhost", "hostaddr": "127.0.0.1", "port": port, "dbname": "postgres"}
    with psycopg.connect(**where, user="postgres", password="secret", **options) as connection:
        row = connection.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        return row.fetchone()[0]


def test_the_database_must_prove_who_it_is(folder, certificates):
    own, other = certificates["own"], certificates["other name"]
    with postgresql(folder, own) as port:
        assert asked(port, own.chain) is True
        clear = f"host=127.0.0.1 port={port} user=postgres password=secret sslmode=disable"
        with pytest.raises(psycopg.OperationalError, match="rejects connection"):
            psycopg.connect(clear)
        with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
            asked(port, certificates["stranger"].chain)
    with (
        postgresql(folder, other) as port,
        pytest.raises(psycopg.OperationalError, match="does not match host name"),
    ):
        asked(port, other.chain)


@contextmanager
def redis(certificate: Certificate, url: str) -> Iterator[int]:
    """The port of a door of TLS before the run's own Redis, whose build may speak none."""
    behind = (urlsplit(url).hostname, urlsplit(url).port)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*map(str, certificate))

    class Door(BaseRequestHandler):
        def handle(self) -> None:
            with (
                suppress(OSError),  # a client that did not like the certificate
                socket.create_connection(behind, timeout=5) as store,
                context.wrap_socket(
                    self.request, server_side=True, do_handshake_on_connect=False
                ) as wire,
            ):
                wire.settimeout(5)
                wire.do_handshake()
                while said := wire.recv(65536):
                    store.sendall(said)
                    wire.sendall(store.recv(65536))

    with ThreadingTCPServer(("127.0.0.1", 0), Door) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_the_counters_must_prove_who_they_are(certificates, settings):
    real = settings.REDIS_URL
    settings.COUNTERS_TIMEOUT = 2.0

    def counted(port, root):
        url = f"rediss://localhost:{port}/0?ssl_ca_certs={root}"
        here = SimpleNamespace(DATABASE_OWNER=None, DATABASES={}, CACHES={}, MAILERS={})
        assert list(remotes.in_clear(SimpleNamespace(REDIS_URL=url, **vars(here)))) == []
        counters = RedisCounters(url)
        try:
            return counters.take([Window("wires", 5, 60)])
        finally:
            counters._client.connection_pool.disconnect()

    own, other = certificates["own"], certificates["other name"]
    with redis(own, real) as port:
        assert counted(port, own.chain)
        with pytest.raises(StoreUnavailable):
            counted(port, certificates["stranger"].chain)
    with redis(other, real) as port, pytest.raises(StoreUnavailable):
        counted(port, other.chain)


class PostOffice(Thread):
    """A mail server of a few lines: it remembers what it was told, and how."""

    def __init__(self, certificate: Certificate | None) -> None:
        super().__init__(daemon=True)
        self.certificate, self.heard = certificate, []
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]

    def run(self) -> None:
        """One customer."""
        wire, _ = self.door.accept()
        try:
            self.serve(wire)
        except OSError:
            return  # the customer did not like the certificate
        finally:
            wire.close()

    def serve(self, wire: socket.socket, secure: bool = False) -> None:
        """Until QUIT; after STARTTLS the conversation begins anew."""
        lines = wire.makefile("rb")
        if not secure:
            wire.sendall(b"220 here\r\n")
        data = False
        for raw in lines:
            line = raw.decode().strip()
            self.heard.append((secure, line))
            word = line.partition(" ")[0].upper()
            if data and line != ".":
                continue
            if word == "STARTTLS":
                wire.sendall(b"220 go on\r\n")
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(*map(str, self.certificate))
                lines.close()
                with context.wrap_socket(
                    wire, server_side=True, do_handshake_on_connect=False
                ) as secured:
                    secured.do_handshake()
                    self.serve(secured, secure=True)
                return
            offered = b"250-here\r\n250 STARTTLS\r\n" if self.certificate else b"250 here\r\n"
            data = word == "DATA"
            said = {"EHLO": offered, "DATA": b"354 go on\r\n", "QUIT": b"221 bye\r\n"}
            wire.sendall(said.get(word, b"250 ok\r\n"))


def mailed(office: PostOffice, monkeypatch, root) -> list[tuple[bool, str]]:
    """Send a letter as production does, and give what the office heard."""
    monkeypatch.setenv("SSL_CERT_FILE", str(root))
    office.start()
    options = base.MAILERS["default"]["OPTIONS"]
    given = {"host": "localhost", "port": office.port, "username": "", "password": ""}
    backend = EmailBackend(alias="default", **{**options, **given})
    try:
        backend.send_messages([EmailMessage("s", "CANARY", "a@b.example", ["c@d.example"])])
    finally:
        if backend._partial_connection:
            backend._partial_connection.close()
        office.door.close()
        office.join(timeout=5)
    return office.heard


def test_mail_leaves_in_tls_or_not_at_all(certificates, monkeypatch):
    own = certificates["own"]
    heard = mailed(PostOffice(own), monkeypatch, own.chain)
    assert (True, "CANARY") in heard
    assert [line.partition(" ")[0].upper() for secure, line in heard if not secure] == [
        "EHLO",
        "STARTTLS",
    ]
    for office, root in (
        (PostOffice(certificates["stranger"]), own.chain),
        (PostOffice(certificates["other name"]), certificates["other name"].chain),
        (PostOffice(None), own.chain),
    ):
        with pytest.raises((ssl.SSLError, smtplib.SMTPNotSupportedError)):
            mailed(office, monkeypatch, root)
        assert {line.partition(" ")[0].upper() for _, line in office.heard} <= {
            "EHLO",
            "STARTTLS",
            "QUIT",
        }


@contextmanager
def collector(certificate: Certificate) -> Iterator[tuple[int, list[bytes]]]:
    """The port of a listener with TLS, and what it has read."""
    got: list[bytes] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*map(str, certificate))

    class Reader(BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError), context.wrap_socket(self.request, server_side=True) as wire:
                wire.settimeout(20)
                while said := wire.recv(65536):
                    got.append(said)

    with ThreadingTCPServer(("127.0.0.1", 0), Reader) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], got
        server.shutdown()


@pytest.mark.parametrize("kind", ["own", "other name", "stranger"])
def test_the_collector_of_logs_must_prove_who_it_is(certificates, monkeypatch, tmp_path, kind):
    sink = pytest.importorskip("saas.edge.sink.handler")
    trusted = tmp_path / "trusted.pem"
    known = [certificates[name].chain.read_text() for name in ("own", "other name")]
    trusted.write_text("".join(known))
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with collector(certificates[kind]) as (port, got):
        spool = tmp_path / "spool"
        address = sink.parsed(f"tls://localhost:{port}")
        handler = sink.SinkHandler(address, sink.Spool(spool, 2**20))
        log = logging.Logger("saas.access")
        log.addHandler(handler)
        log.info('{"n": 1}')
        deadline = time.monotonic() + 20
        while not (got or any(spool.glob("*/*.lines"))) and time.monotonic() < deadline:
            time.sleep(0.02)
        handler.close()
    assert (b'{"n": 1}' in b"".join(got)) == (kind == "own")
    kept = b"".join(path.read_bytes() for path in spool.glob("*/*.lines"))
    assert (b'{"n": 1}' in kept) == (kind != "own")  # nothing is lost
