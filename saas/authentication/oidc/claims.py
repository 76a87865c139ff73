"""What a client learns about a person: by scope, and nothing that no scope names."""

from collections.abc import Iterable
from typing import Any

OPENID = "openid"
SCOPES = {  # in the words of the consent page
    OPENID: "who you are: a number that stays the same",
    "profile": "your name",
    "email": "your e-mail address",
}


def subject(user_id: Any) -> str:
    """The person, for ever and for every client (ADR 0022)."""
    return str(user_id)


def claims_of(user: Any, scopes: Iterable[str]) -> dict[str, Any]:
    """The claims of a person (OIDC Core §5.4). What they have not is absent.

    `email_verified` is what the product's user says of itself, and false without a word, because a
    client may give an account to whoever has this address.
    """
    claims: dict[str, Any] = {"sub": subject(user.pk)}
    if "profile" in scopes and user.name:
        claims["name"] = user.name
    if "email" in scopes:
        claims["email"] = user.email
        claims["email_verified"] = bool(getattr(user, "email_verified", False))
    return claims
