"""The signing keys: sealed where they are kept, the active one first, then those that retire."""

import os
from base64 import b64decode, b64encode
from collections import Counter
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.conf import settings
from jwcrypto import jwk

from saas import custody
from saas.crypto import Unreadable
from saas.custody import lock, unlock
from saas.errors import Problem

ALGORITHM = "ES256"
CONTEXT = b"oidc-signing-key"
KEPT = 2  # the active one and the one before it


def keys() -> list[jwk.JWK]:
    """All keys whose signatures count; the first one signs. Raises 503 when there is none to read.

    A file is read again when it has changed, so a rotation needs no restart.
    """
    try:
        return _opened(_configured())
    except (OSError, ValueError, Unreadable):
        raise Problem("not-ready", "Nothing can be signed at the moment.") from None


def public_set() -> dict[str, Any]:
    """What everybody may know of them (RFC 7517 §5)."""
    return {
        "keys": [
            key.export_public(as_dict=True) | {"use": "sig", "alg": ALGORITHM} for key in keys()
        ]
    }


def rotated(sealed: str) -> str:
    """A new key in front; the one that was active retires, and what retired before is gone."""
    former = sealed.split()[: KEPT - 1]
    return _lines([_sealed(_new_key()), *former])


def without_retiring(sealed: str) -> str:
    """The active key alone: what the others signed counts no more."""
    return _lines(sealed.split()[:1])


def uses() -> Counter[str]:
    """How many keys are under each key-encryption key."""
    held = read_file() if settings.SAAS_OIDC_KEYS_FILE else settings.SAAS_OIDC_KEYS
    return Counter(custody.key_of(b64decode(line)) for line in held.split())


def relocked() -> int:
    """Put the file's keys under the current key-encryption key; what the environment holds, only
    the operator can replace, by what `rotate_oidc_keys` prints.
    """
    if not settings.SAAS_OIDC_KEYS_FILE:
        return 0
    current = custody.ask(lambda keeper: keeper.current())
    held = [b64decode(line) for line in read_file().split()]
    stale = [line for line in held if custody.key_of(line) != current]
    if stale:
        write_file(_lines([b64encode(custody.relock(line)).decode() for line in held]))
    return len(stale)


def kids(sealed: str) -> list[str]:
    """The names of the keys, which may be shown. Raises Unreadable for what another key sealed."""
    return [key["kid"] for key in _opened(sealed)]


def read_file() -> str:
    """What stands in the file; nothing before the first rotation."""
    path = Path(settings.SAAS_OIDC_KEYS_FILE)
    return path.read_text() if path.exists() else ""


def write_file(sealed: str, *, only_if_absent: bool = False) -> None:
    """Put the file in its place in one step, for its owner's eyes alone."""
    path = Path(settings.SAAS_OIDC_KEYS_FILE)
    with NamedTemporaryFile("w", dir=path.parent, delete_on_close=False) as fresh:
        fresh.write(sealed)
        fresh.close()
        if only_if_absent:
            with suppress(FileExistsError):  # another process was first, and signs already
                os.link(fresh.name, path)
        else:
            os.link(fresh.name, aside := f"{fresh.name}.next")
            os.replace(aside, path)


def _configured() -> str:
    if not settings.SAAS_OIDC_KEYS_FILE:
        if not settings.SAAS_OIDC_KEYS and settings.SAAS_OIDC_MAKE_KEYS:
            return _in_memory()
        return str(settings.SAAS_OIDC_KEYS)
    if settings.SAAS_OIDC_MAKE_KEYS and not os.path.exists(settings.SAAS_OIDC_KEYS_FILE):
        write_file(rotated(rotated("")), only_if_absent=True)
    about = os.stat(settings.SAAS_OIDC_KEYS_FILE)
    return _content(settings.SAAS_OIDC_KEYS_FILE, about.st_ino, about.st_mtime_ns)


@lru_cache(maxsize=1)
def _content(path: str, inode: int, changed: int) -> str:
    return Path(path).read_text()


@lru_cache(maxsize=1)
def _in_memory() -> str:
    return rotated(rotated(""))


@lru_cache(maxsize=2)
def _opened(sealed: str) -> list[jwk.JWK]:
    found = [
        jwk.JWK.from_json(unlock(b64decode(line, validate=True), CONTEXT).decode())
        for line in sealed.split()
    ]
    if not found:
        raise ValueError("There is no key.")
    return found


def _new_key() -> jwk.JWK:
    key = jwk.JWK.generate(kty="EC", crv="P-256")
    key["kid"] = key.thumbprint()
    return key


def _sealed(key: jwk.JWK) -> str:
    return b64encode(lock(key.export_private().encode(), CONTEXT)).decode()


def _lines(sealed: list[str]) -> str:
    return "".join(f"{line}\n" for line in sealed)
