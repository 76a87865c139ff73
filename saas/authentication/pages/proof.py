"""What the session proved about the person in front of the browser, and when."""

from typing import Any, NamedTuple

from allauth.account.authentication import get_authentication_records
from django.http import HttpRequest

from saas.authentication.assurance import ONE_FACTOR, TWO_FACTORS
from saas.authentication.pages.middleware import SIGNED_IN_AT

# RFC 8176, for what allauth notes of each factor.
REFERENCES = {
    "password": "pwd",
    "totp": "otp",
    "recovery_codes": "otp",
    "webauthn": "pop",
}


class Proof(NamedTuple):
    """When somebody signed in, in seconds since 1970, and by what (OIDC Core §2)."""

    auth_time: int
    amr: tuple[str, ...]

    @property
    def acr(self) -> str:
        """How much that is worth."""
        return TWO_FACTORS if len(self.amr) > 1 else ONE_FACTOR


def proof_of(request: HttpRequest) -> Proof:
    """The proof of this session; of one in which nobody is signed in, the beginning of time."""
    records: list[Any] = get_authentication_records(request, request.user)
    shown = {REFERENCES.get(record.get("type") or record["method"], "") for record in records}
    auth_time = int(request.session.get(SIGNED_IN_AT, 0))
    return Proof(auth_time, tuple(sorted(shown - {""})))
