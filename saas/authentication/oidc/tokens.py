"""An ID token tells one client who somebody is, for some minutes; it opens nothing."""

import hashlib
import json
import time
from base64 import urlsafe_b64encode
from typing import Any

from django.conf import settings
from jwcrypto import jws
from jwcrypto.common import JWException

from saas.authentication.oauth.scopes import scopes_of
from saas.authentication.oidc.claims import OPENID, subject
from saas.authentication.oidc.keys import ALGORITHM, keys

LIFETIME = 300  # seconds; a client reads it at once, and no more than ten minutes are allowed
PROOF = ("auth_time", "acr", "amr")


def add_id_token(token: dict[str, Any], access: Any, grant: Any, request: Any, **_: Any) -> None:
    """Put an ID token into the answer, when the person consented to `openid` and the client still
    has it. After a refresh it has no nonce (OIDC Core §12.2).
    """
    if grant is None or OPENID not in {*access.scope.split()} & scopes_of(access.application):
        return
    now = int(time.time())
    kept = json.loads(grant.claims)
    claims = {
        "iss": settings.SAAS_ORIGIN,
        "sub": subject(grant.user_id),
        "aud": access.application.client_id,
        "exp": now + LIFETIME,
        "iat": now,
        "at_hash": at_hash(token["access_token"]),
    } | {name: kept[name] for name in PROOF if name in kept}
    if grant.nonce and request.grant_type == "authorization_code":
        claims["nonce"] = grant.nonce
    token["id_token"] = signed(claims)


def signed(claims: dict[str, Any]) -> str:
    """A JWS by the active key."""
    key = keys()[0]
    token = jws.JWS(json.dumps(claims))
    header = {"alg": ALGORITHM, "kid": key["kid"], "typ": "JWT"}
    token.add_signature(key, protected=json.dumps(header))
    return str(token.serialize(compact=True))


def signed_by_us(text: str) -> dict[str, Any] | None:
    """The claims of a JWS by one of our keys, expired or not; None for every other text.

    The algorithm is ours and not the token's own choice: with `none`, or with HS256 and our public
    key as the secret, anybody could write one.
    """
    token = jws.JWS()
    token.allowed_algs = [ALGORITHM]
    for key in keys():
        try:
            token.deserialize(text, key)
        except (JWException, ValueError, TypeError):
            continue
        claims: dict[str, Any] = json.loads(token.payload)
        return claims
    return None


def at_hash(access_token: str) -> str:
    """Ties the two tokens of an answer together (OIDC Core §3.1.3.6)."""
    half = hashlib.sha256(access_token.encode()).digest()[:16]
    return urlsafe_b64encode(half).rstrip(b"=").decode()
