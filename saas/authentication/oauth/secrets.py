"""Client secrets are random and long, so a fast keyed digest guards them better than a slow hash:
a slow one would let anybody spend our CPU by sending wrong secrets.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import BasePasswordHasher

from saas.crypto import digest, digests, equal, mark


class KeyedDigest(BasePasswordHasher):
    """The last of PASSWORD_HASHERS, for CLIENT_SECRET_HASHER; never for a person's password."""

    algorithm = "keyed_sha256"

    def salt(self) -> str:
        """None: the secret itself is random."""
        return ""

    def encode(self, password: str, salt: str) -> str:
        """What is stored."""
        return f"{self.algorithm}${digest(password, purpose='client-secret')}"

    def verify(self, password: str, encoded: str) -> bool:
        """Whether this is the secret."""
        return any(
            equal(f"{self.algorithm}${known}", encoded)
            for known in digests(password, purpose="client-secret")
        )

    def decode(self, encoded: str) -> dict[str, Any]:
        """The parts of what is stored."""
        algorithm, _, hash = encoded.partition("$")
        return {"algorithm": algorithm, "hash": hash, "salt": ""}

    def safe_summary(self, encoded: str) -> Any:
        """What may be shown of it."""
        return {"algorithm": self.algorithm}

    def must_update(self, encoded: str) -> bool:
        """When it is under the pepper of before."""
        return not encoded.endswith(mark(settings.SAAS_PEPPER))

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Every secret takes the same time already."""
