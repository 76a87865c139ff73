"""Which keys our mobile clients pin, and until when (RFC 7469 §2.4)."""

import base64
import hashlib
import tomllib
from collections.abc import Sequence
from datetime import date
from os import environ
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from cryptography.x509 import load_pem_x509_certificate
from django.conf import settings


class PinList(NamedTuple):
    """What was given to the clients, and the day on which they stop to believe it."""

    expires_on: date
    pins: list[str]


def key_files() -> list[Path]:
    """The current key first, then its backups: certificates, public keys or keys, in PEM."""
    named = getattr(settings, "SAAS_PINNED_KEYS", environ.get("SAAS_PINNED_KEYS", "").split(","))
    return [Path(name) for name in named if name]


def list_file() -> Path | None:
    """Where the list of what clients pin is kept."""
    name = getattr(settings, "SAAS_PINS", environ.get("SAAS_PINS", ""))
    return Path(name) if name else None


def pin_of(pem: bytes) -> str:
    """The SHA-256 of a key's SubjectPublicKeyInfo, in base64. A certificate has the pin of its key,
    so a renewed one with the same key keeps it. Raises ValueError for anything else.
    """
    key = public_key(pem).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


def public_key(pem: bytes) -> PublicKeyTypes:
    """Of a certificate, of a public key, or of a private key without a passphrase."""
    if b"BEGIN CERTIFICATE" in pem:
        return load_pem_x509_certificate(pem).public_key()
    if b"PRIVATE KEY" in pem:
        return load_pem_private_key(pem, password=None).public_key()
    return load_pem_public_key(pem)


def pins_of(files: Sequence[Path]) -> list[str]:
    """A pin for each file. Raises ValueError unless there are two keys at least: who pins one key
    and loses it has locked every client out.
    """
    pins = [pin_of(path.read_bytes()) for path in files]
    if len(set(pins)) < 2 or len(set(pins)) < len(pins):
        raise ValueError("Pin the current key and a backup: two files, two different keys.")
    return pins


def written(pins: Sequence[str], expires_on: date) -> str:
    """The list as it is kept and given to the clients' makers."""
    names = ["current", *["backup"] * (len(pins) - 1)]
    rows = [f'[[pins]]\nkey = "{n}"\nsha256 = "{p}"\n' for n, p in zip(names, pins, strict=True)]
    return "\n".join([f"expires_on = {expires_on}\n", *rows])


def read(path: Path) -> PinList:
    """A list as `written` made it. Raises OSError or ValueError."""
    try:
        document = tomllib.loads(path.read_text())
        expires_on, pins = document["expires_on"], [str(row["sha256"]) for row in document["pins"]]
    except (KeyError, TypeError) as missing:
        raise ValueError(f"{missing} is missing") from None
    if type(expires_on) is not date:
        raise ValueError("expires_on is no date")
    return PinList(expires_on, pins)
