"""What the session proved about the person in front of the browser, and when."""

from typing import Any, NamedTuple

from allauth.account.authentication import get_authentication_records
from django.http import HttpRequest

from saas.authentication.assurance import LEVELS, ONE_FACTOR, TWO_FACTORS
from saas.authentication.pages.middleware import SIGNED_IN_AT

# RFC 8176, for what allauth notes of each factor.
REFERENCES = {
    "password": "pwd",
    "totp": "otp",
    "recovery_codes": "otp",
}


class Proof(NamedTuple):
    """When somebody signed in, in seconds since 1970, and by what (OIDC Core §2)."""

    auth_time: int
    amr: tuple[str, ...]
    said: str = ""  # by what proves more than the number of factors does

    @property
    def acr(self) -> str:
        """How much that is worth."""
        return self.said or (TWO_FACTORS if len(self.amr) > 1 else ONE_FACTOR)


def proof_of(request: HttpRequest) -> Proof:
    """The proof of this session; of one in which nobody is signed in, the beginning of time."""
    records: list[Any] = get_authentication_records(request, request.user)
    shown: set[str] = set()
    for record in records:
        known = REFERENCES.get(record.get("type") or record["method"], "")
        shown.update(record.get("amr", [known]))
    said = {record.get("acr") for record in records}
    auth_time = int(request.session.get(SIGNED_IN_AT, 0))
    strongest = [level for level in LEVELS if level in said][-1:]
    return Proof(auth_time, tuple(sorted(shown - {"", "mfa"})), *strongest)
