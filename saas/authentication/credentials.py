"""Exactly one credential, from a header, and a 401 that says how to send it."""

from django.conf import settings
from django.http import HttpRequest

from saas.authentication import attempts, keys, lookup, misuse
from saas.authentication.oauth import tokens
from saas.context import Principal
from saas.edge.address import client_ip, is_within
from saas.errors import Problem

MAX_LENGTH = 4096


def identify(request: HttpRequest) -> Principal:
    """The principal behind the request. Raises 401 `invalid-token`; the body has not been read.

    A session cookie is no credential here, so another site cannot make a browser call us.
    """
    key = request.META.get("HTTP_X_API_KEY")
    if key is not None:
        return _with_key(key, request)
    authorization = request.META.get("HTTP_AUTHORIZATION")
    if authorization is not None:
        return _with_token(authorization)
    raise unauthorized("Send a credential: X-API-Key, or Authorization with an access token.")


def _with_key(secret: str, request: HttpRequest) -> Principal:
    """A living key, at home. A dead one is told so however often it asks; a wrong secret beside a
    public id, which lists and logs show, is a guess, and so is a honeytoken: to whoever shows one
    it is a key that never was.
    """
    if len(secret) <= MAX_LENGTH and keys.is_well_formed(secret):
        principal = lookup.key_principal(secret)
        if principal is not None and not principal.credential.is_honeytoken:
            refuse_elsewhere(principal, request)
            return principal
        if principal is not None:
            misuse.note(request, principal, misuse.HONEYTOKEN)
        if not lookup.was_issued(secret) or principal is not None:
            attempts.count_wrong("key", keys.public_id_of(secret), request)
    raise unauthorized("This API key is not valid.", error="invalid_token")


def refuse_elsewhere(principal: Principal, request: HttpRequest) -> None:
    """403 for a key that is shown outside its networks: stolen, it is worth nothing elsewhere.

    The answer names neither the networks nor the address; and it comes before the caller's limits,
    so that a thief cannot use up those of the owner.
    """
    if principal.networks and not is_within(client_ip(request), principal.networks):
        misuse.note(request, principal, misuse.ELSEWHERE)
        raise Problem("network-not-allowed")


def _with_token(authorization: str) -> Principal:
    """A living access token under its own scheme; anything else is refused and never anonymous."""
    scheme, _, secret = authorization.partition(" ")
    if scheme.lower() == "bearer" and tokens.is_well_formed(secret):
        principal = lookup.token_principal(secret)
        if principal is not None:
            return principal
    raise unauthorized("This access token is not valid.", error="invalid_token")


def unauthorized(detail: str, *, error: str | None = None) -> Problem:
    """401 with the challenges of RFC 6750 §3: which schemes there are, and no hint why the
    credential failed.
    """
    realm = f'Bearer realm="{settings.SAAS_ORIGIN}"'
    bearer = f'{realm}, error="{error}"' if error else realm
    return Problem(
        "invalid-token",
        detail,
        headers={"WWW-Authenticate": f'{bearer}, DPoP algs="ES256 EdDSA"'},
    )
