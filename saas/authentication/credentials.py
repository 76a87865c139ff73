"""Exactly one credential, from a header, and a 401 that says how to send it."""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest

from saas.authentication import attempts, keys, lookup, misuse
from saas.authentication.oauth import tokens
from saas.context import Principal
from saas.edge.address import client_ip, is_within
from saas.errors import Problem

MAX_LENGTH = 4096
BEARER = "bearer"


class Scheme(NamedTuple):
    """A way to send an access token beside `Bearer`: who has the token must show more than it.

    `owns` says of a row that was looked up whether it is good under this scheme and no other.
    `prove` raises a Problem unless the request shows the rest.
    """

    challenge: str
    owns: Callable[[Any], bool]
    prove: Callable[[HttpRequest, str, Principal], None]
    document: dict[str, Any]  # as OpenAPI writes a security scheme


# By the first word of `Authorization`, in lower case. A module joins in AppConfig.ready().
SCHEMES: dict[str, Scheme] = {}


def identify(request: HttpRequest) -> Principal:
    """The principal behind the request. Raises 401 `invalid-token`; the body has not been read.

    A session cookie is no credential here, so another site cannot make a browser call us.
    """
    key = request.META.get("HTTP_X_API_KEY")
    if key is not None:
        return _with_key(key, request)
    authorization = request.META.get("HTTP_AUTHORIZATION")
    if authorization is not None:
        return _with_token(request, authorization)
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


def _with_token(request: HttpRequest, authorization: str) -> Principal:
    """A living access token under its own scheme; anything else is refused and never anonymous."""
    scheme, _, secret = authorization.partition(" ")
    scheme = scheme.lower()
    if scheme in {BEARER, *SCHEMES} and tokens.is_well_formed(secret):
        principal = lookup.token_principal(secret)
        if principal is not None and scheme_of(principal.credential) == scheme:
            if scheme in SCHEMES:
                SCHEMES[scheme].prove(request, secret, principal)
            return principal
    raise unauthorized("This access token is not valid.", error="invalid_token", scheme=scheme)


def scheme_of(token: Any) -> str:
    """The one scheme under which this access token opens anything: a token that is bound to a key
    and shown as `Bearer` was shown by somebody who has no key.
    """
    return next((name for name, scheme in SCHEMES.items() if scheme.owns(token)), BEARER)


def stronger(principal: Principal, detail: str, acr: str, **more: object) -> Problem:
    """401 `step-up-required` for a good credential that came from too weak or too old a sign-in,
    under the scheme that it was shown by; says which is enough (RFC 9470 §3).
    """
    shown = principal.credential  # None: nothing was, as where tokens are made
    scheme = SCHEMES.get(scheme_of(shown)) if shown is not None else None
    told = {
        "error": "insufficient_user_authentication",
        "error_description": detail,
        "acr_values": acr,
        **more,
    }
    words = [scheme.challenge if scheme else f'Bearer realm="{settings.SAAS_ORIGIN}"']
    words += [f'{name}="{value}"' for name, value in told.items()]
    return Problem("step-up-required", detail, headers={"WWW-Authenticate": ", ".join(words)})


def unauthorized(
    detail: str, *, error: str | None = None, scheme: str = BEARER, code: str = "invalid-token"
) -> Problem:
    """401 with the challenges of RFC 6750 §3: which schemes there are, and no hint why the
    credential failed. The error stands with the scheme that was tried.
    """
    challenges = {BEARER: f'Bearer realm="{settings.SAAS_ORIGIN}"'}
    challenges |= {name: scheme.challenge for name, scheme in SCHEMES.items()}
    if error:
        challenges[scheme if scheme in SCHEMES else BEARER] += f', error="{error}"'
    return Problem(code, detail, headers={"WWW-Authenticate": ", ".join(challenges.values())})
