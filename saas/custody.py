"""Who keeps the keys that wrap keys: one provider, asked seldom, counted each time.

What it wraps names the key that it is under, so that keys can change while everything is in use
(`manage.py rotate_keys`). Short things are wrapped by the provider itself; what may be long, or
comes with each request, is locked: under a box key of this process, which is wrapped beside it.
"""

import hashlib
import hmac
import logging
import os
import time
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Lock
from typing import Any, NamedTuple, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from saas import crypto
from saas.crypto import Unreadable
from saas.errors import Problem

log = logging.getLogger("saas.keys")

NAME_BYTES = 12  # of a key's fingerprint, in hex
BOX = b"box-key"
END = b"\0"  # of the name of a key


class ProviderDown(Exception):
    """The provider does not answer, or not as it should; trying again later is right."""


class Wrapped(NamedTuple):
    """A key under another one, with that one's name."""

    key_id: str
    body: bytes


class Provider(Protocol):
    """Who keeps key-encryption keys. Each method raises ProviderDown when nobody answers."""

    def current(self) -> str:
        """The name of the key that wraps from now on."""

    def wrap(self, key: bytes, context: bytes) -> Wrapped:
        """`key` under the current one, bound to `context`."""

    def unwrap(self, wrapped: Wrapped, context: bytes) -> bytes:
        """What `wrap` was given. Raises Unreadable for another context, and when the key is
        gone.
        """

    def names(self) -> list[str]:
        """Of the keys that still open something. For the operator alone."""

    def rotate(self) -> str:
        """A new current key; the former ones still open. For the operator alone."""

    def retire(self, key_id: str) -> None:
        """This key opens nothing any more. For the operator alone."""


class Keyring:
    """Keys of 32 bytes from SAAS_KEK or, where it is set, the file SAAS_KEK_FILE: base64 with
    blanks between them, the current one first. A file is read again when it has changed.

    A key's name is a fingerprint, so that no list of names can be wrong about them.
    """

    def current(self) -> str:
        """That of the first key."""
        return next(iter(self._keys()))

    def wrap(self, key: bytes, context: bytes) -> Wrapped:
        """Under the first key."""
        key_id, kek = next(iter(self._keys().items()))
        return Wrapped(key_id, crypto.seal(kek, key, context))

    def unwrap(self, wrapped: Wrapped, context: bytes) -> bytes:
        """By the key that it names."""
        kek = self._keys().get(wrapped.key_id)
        if kek is None:
            raise Unreadable("The key of this key is gone.")
        return crypto.unseal(kek, wrapped.body, context)

    def names(self) -> list[str]:
        """All of them."""
        return list(self._keys())

    def rotate(self) -> str:
        """A random key in front of the others; in the environment only the operator can put it."""
        return self._write([crypto.random_key(), *self._keys().values()])

    def retire(self, key_id: str) -> None:
        """The file without it."""
        self._write([kek for name, kek in self._keys().items() if name != key_id])

    def _keys(self) -> dict[str, bytes]:
        try:
            return _parsed(_text())
        except (OSError, ValueError) as fault:
            raise ProviderDown("SAAS_KEK cannot be read") from fault

    def _write(self, keks: list[bytes]) -> str:
        text = "".join(f"{b64encode(kek).decode()}\n" for kek in keks)
        if not settings.SAAS_KEK_FILE:
            raise ProviderDown(
                "SAAS_KEK stands in the environment: put a new key in front of it there, or take "
                "the old one away."
            )
        path = Path(settings.SAAS_KEK_FILE)
        with NamedTemporaryFile("w", dir=path.parent, delete_on_close=False) as fresh:
            fresh.write(text)
            fresh.flush()
            os.fsync(fresh.fileno())  # a key that is used and then lost loses all that is under it
            fresh.close()
            os.link(fresh.name, aside := f"{fresh.name}.next")
            os.replace(aside, path)
        return next(iter(_parsed(text)))


def _text() -> str:
    if not settings.SAAS_KEK_FILE:
        return str(settings.SAAS_KEK)
    about = os.stat(settings.SAAS_KEK_FILE)
    return _content(settings.SAAS_KEK_FILE, about.st_ino, about.st_mtime_ns)


@lru_cache(maxsize=1)
def _content(path: str, inode: int, changed: int) -> str:
    return Path(path).read_text()


@lru_cache(maxsize=2)
def _parsed(text: str) -> dict[str, bytes]:
    keks = [b64decode(word, validate=True) for word in text.split()]
    if not keks or {len(kek) for kek in keks} != {crypto.KEY_BYTES}:
        raise ValueError("A key has 32 bytes.")
    return {fingerprint(kek): kek for kek in keks}


def fingerprint(kek: bytes) -> str:
    """A name that tells nothing of the key but whether it is the same one."""
    return hmac.new(kek, b"name of this key", hashlib.sha256).hexdigest()[:NAME_BYTES]


@cache
def _made(name: str) -> Provider:
    made: Provider = import_string(name)()
    return made


def provider() -> Provider:
    """The one that SAAS_KEY_PROVIDER names."""
    return _made(settings.SAAS_KEY_PROVIDER)


# What was asked of the provider since this process began: (what, key id) -> how often (DATA-05).
asked: Counter[tuple[str, str]] = Counter()
_shut_until = 0.0


def ask[R](what: Callable[[Provider], R]) -> R:
    """Ask the provider. Raises 503 when it is down, and for a moment after that without asking:
    else every request would wait for the same silence (X-22).
    """
    global _shut_until
    if time.monotonic() < _shut_until:
        raise Problem("not-ready", "The keys cannot be reached at the moment.")
    try:
        return what(provider())
    except ProviderDown as fault:
        _shut_until = time.monotonic() + settings.KEYS.pause.total_seconds()
        log.error("key provider: %s", fault)
        raise Problem("not-ready", "The keys cannot be reached at the moment.") from None


def wrap(key: bytes, context: bytes) -> bytes:
    """A key under the current key-encryption key, whose name stands in front."""
    wrapped = ask(lambda keeper: keeper.wrap(key, context))
    asked["wrap", wrapped.key_id] += 1
    return wrapped.key_id.encode() + END + wrapped.body


def unwrap(wrapped: bytes, context: bytes) -> bytes:
    """What `wrap` was given. Counted and logged by the name of the key, also when it is refused."""
    parts = parts_of(wrapped)
    asked["unwrap", parts.key_id] += 1
    try:
        key = ask(lambda keeper: keeper.unwrap(parts, context))
    except Unreadable:
        log.warning("key %s refused to open %s", parts.key_id, context.decode())
        raise
    log.info("key %s opened %s", parts.key_id, context.decode())
    return key


def parts_of(wrapped: bytes) -> Wrapped:
    """The name of the key, and what is under it."""
    name, _, body = wrapped.partition(END)
    try:
        return Wrapped(name.decode("ascii"), body)
    except UnicodeDecodeError as fault:
        raise Unreadable("What is wrapped names no key.") from fault


def rewrap(wrapped: bytes, context: bytes) -> bytes:
    """The same key under the current one."""
    return wrap(unwrap(wrapped, context), context)


class Opened:
    """Keys that this process has opened: so many, for so long, and then they are asked for again
    (DATA-05). A key that was wrapped anew is another entry.
    """

    def __init__(self) -> None:
        self._held: dict[tuple[bytes, bytes], tuple[bytes, float]] = {}
        self._lock = Lock()

    def key(self, wrapped: bytes, context: bytes) -> bytes:
        """The key, from memory or from the provider."""
        held = self._held.get((wrapped, context))
        if held is not None and held[1] > time.monotonic():
            return held[0]
        key = unwrap(wrapped, context)
        self.keep(wrapped, context, key)
        return key

    def keep(self, wrapped: bytes, context: bytes, key: bytes) -> None:
        """Remember a key, and forget the one that was opened first when there are too many."""
        until = time.monotonic() + settings.KEYS.opened.total_seconds()
        with self._lock:
            self._held.pop((wrapped, context), None)
            while len(self._held) >= settings.KEYS.kept:
                del self._held[next(iter(self._held))]
            self._held[wrapped, context] = key, until

    def forget(self) -> None:
        """All of them."""
        with self._lock:
            self._held.clear()


opened = Opened()


class _Box(NamedTuple):
    key: bytes
    wrapped: bytes
    until: float


_box: _Box | None = None


def _current_box() -> _Box:
    """The key that this process locks with, renewed so often that no retired key stays in use."""
    global _box
    box = _box
    if box is None or box.until <= time.monotonic():
        key = crypto.random_key()
        wrapped = wrap(key, BOX)
        opened.keep(wrapped, BOX, key)
        _box = box = _Box(key, wrapped, time.monotonic() + settings.KEYS.box.total_seconds())
    return box


def lock(plaintext: bytes, context: bytes) -> bytes:
    """`plaintext` of any length, bound to `context`, with the wrapped key that opens it."""
    box = _current_box()
    size = len(box.wrapped).to_bytes(2)
    return size + box.wrapped + crypto.seal(box.key, plaintext, context)


def unlock(locked: bytes, context: bytes) -> bytes:
    """What `lock` was given. Raises Unreadable when anything of it was altered or moved."""
    wrapped, sealed = _halves(locked)
    return crypto.unseal(opened.key(wrapped, BOX), sealed, context)


def relock(locked: bytes) -> bytes:
    """The same lock whose key is under the current one; nobody opens what is inside."""
    wrapped, sealed = _halves(locked)
    fresh = rewrap(wrapped, BOX)
    return len(fresh).to_bytes(2) + fresh + sealed


def key_of(locked: bytes) -> str:
    """The name of the key that a locked value is under."""
    return parts_of(_halves(locked)[0]).key_id


def _halves(locked: bytes) -> tuple[bytes, bytes]:
    size = int.from_bytes(locked[:2])
    return locked[2 : 2 + size], locked[2 + size :]


def forget() -> None:
    """Everything that this process holds open."""
    global _box, _shut_until
    _box, _shut_until = None, 0.0
    opened.forget()
    _content.cache_clear()
    _parsed.cache_clear()


class Held(NamedTuple):
    """What a room keeps under the key-encryption keys, wherever it keeps it."""

    name: str
    uses: Callable[[], Counter[str]]  # the name of each key -> how often
    renew: Callable[[], int]  # puts what is under another under the current one; how many


# Rooms join in AppConfig.ready(); `rotate_keys` asks each, and removes no key that one still uses.
HELD: list[Held] = []


def join(name: str, uses: Callable[[], Counter[str]], renew: Callable[[], Any]) -> None:
    """Tell what a room keeps; twice is once."""
    if name not in {held.name for held in HELD}:
        HELD.append(Held(name, uses, renew))
