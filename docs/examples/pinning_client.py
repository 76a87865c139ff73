"""A client that speaks to us only if our key is one of the two that it was given.

    client = PinnedConnection("api.example.com", pins={"<current>", "<backup>"})
    client.request("GET", "/api/v1/me", headers={"X-API-Key": key})

The pins come from `manage.py pin_set`. An authority that was tricked into a certificate for our
name passes the ordinary check and fails this one.
"""

import base64
import hashlib
import http.client
import ssl
from collections.abc import Set
from datetime import date

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_der_x509_certificate


class UnknownKey(ssl.SSLError):
    """Somebody answered whose key nobody told us of; nothing was sent to them."""


class PinnedConnection(http.client.HTTPSConnection):
    """As `HTTPSConnection`, with the ordinary verification and the pins on top of it."""

    def __init__(
        self, host: str, port: int | None = None, *, pins: Set[str], until: date, **options: object
    ) -> None:
        if len(pins) < 2:
            raise ValueError("Pin a backup too: with one key, its loss is the end.")
        super().__init__(host, port, **options)  # type: ignore[arg-type]  # passed on as they came
        self.pins = pins if date.today() <= until else None  # better no pins than old ones

    def connect(self) -> None:
        """Look at the key before a byte of the request leaves."""
        super().connect()
        certificate = load_der_x509_certificate(self.sock.getpeercert(binary_form=True))
        key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        pin = base64.b64encode(hashlib.sha256(key).digest()).decode()
        if self.pins is not None and pin not in self.pins:
            self.close()
            raise UnknownKey(f"The key {pin} is none of those that are pinned.")
