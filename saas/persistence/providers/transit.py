"""Vault's Transit engine keeps the keys: they never leave it, and its audit log says who used them.

`SAAS_KEY_PROVIDER=saas.persistence.providers.transit.Transit`, `pip install strongroom[vault]`.
SAAS_TRANSIT_KEY names a key made with `derived=true`; VAULT_ADDR is Vault's own setting, and the
token stands in VAULT_TOKEN or, renewed by an agent, in the file VAULT_TOKEN_FILE. Who serves needs
encrypt, decrypt and reading the key; rotate and config are the operator's.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hvac
from django.conf import settings
from hvac.exceptions import InvalidPath, InvalidRequest, VaultError
from requests import RequestException

from saas.crypto import Unreadable
from saas.custody import ProviderDown, Wrapped

PATIENCE = 2  # seconds


@contextmanager
def answered() -> Iterator[None]:
    """Tell an answer from a silence."""
    try:
        yield
    except (InvalidRequest, InvalidPath) as fault:
        raise Unreadable(f"Vault: {type(fault).__name__}") from None
    except (VaultError, RequestException, OSError, ValueError) as fault:
        raise ProviderDown(f"Vault: {type(fault).__name__}") from None


class Transit:
    """One named key of Vault in its versions; the context derives a key of its own from each."""

    @property
    def name(self) -> str:
        """What the key is called in Vault."""
        return str(settings.SAAS_TRANSIT_KEY)

    @property
    def engine(self) -> Any:
        """Vault as this process may use it at this moment."""
        file = settings.VAULT_TOKEN_FILE
        token = Path(file).read_text().strip() if file else None
        return hvac.Client(token=token, timeout=PATIENCE).secrets.transit

    def current(self) -> str:
        """The newest version."""
        return self.version(self.about()["latest_version"])

    def wrap(self, key: bytes, context: bytes) -> Wrapped:
        """Encrypt; the answer says by which version."""
        with answered():
            made = self.engine.encrypt_data(
                self.name, b64encode(key).decode(), b64encode(context).decode()
            )
        ciphertext = str(made["data"]["ciphertext"])
        return Wrapped(self.version(ciphertext.split(":")[1][1:]), ciphertext.encode())

    def unwrap(self, wrapped: Wrapped, context: bytes) -> bytes:
        """Decrypt; a version that was retired opens nothing."""
        with answered():
            found = self.engine.decrypt_data(
                self.name, wrapped.body.decode(), b64encode(context).decode()
            )
            return b64decode(found["data"]["plaintext"])

    def names(self) -> list[str]:
        """The oldest version that opens: Vault retires them in their order."""
        return [self.version(self.about()["min_decryption_version"])]

    def rotate(self) -> str:
        """A new version."""
        with answered():
            self.engine.rotate_key(self.name)
        return self.current()

    def retire(self, key_id: str) -> None:
        """Shut this version and those before it."""
        number = int(key_id.rpartition(":v")[2])
        with answered():
            self.engine.update_key_configuration(self.name, min_decryption_version=number + 1)

    def about(self) -> dict[str, Any]:
        """What Vault says of the key."""
        with answered():
            found: dict[str, Any] = self.engine.read_key(self.name)["data"]
            return found

    def version(self, number: Any) -> str:
        """The name of one version."""
        return f"{self.name}:v{number}"
