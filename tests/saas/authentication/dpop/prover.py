"""A client that holds a key: it makes proofs, good ones and any other kind, and asks with them."""

import hashlib
import json
import time
import uuid
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from django.conf import settings

from saas.authentication.dpop.proofs import packed
from tests.cast import Member, Tenant
from tests.oauth import CALLBACK, VERIFIER, basic, code_for, make_client, make_service, post
from tests.saas.wire import NOTES, send

READ, WRITE = "notes:read", "notes:write"
GONE = object()  # a member that is left out
FORM = "application/x-www-form-urlencoded"


class Prover:
    """A key pair, and the nonce that the server told last."""

    def __init__(self, algorithm: str = "ES256") -> None:
        self.algorithm = algorithm
        self.nonce: Any = GONE
        self.private: Any
        if algorithm == "ES256":
            self.private = ec.generate_private_key(ec.SECP256R1())
            point = self.private.public_key().public_numbers()
            self.jwk = {
                "kty": "EC",
                "crv": "P-256",
                "x": packed(point.x.to_bytes(32)),
                "y": packed(point.y.to_bytes(32)),
            }
        else:
            self.private = ed25519.Ed25519PrivateKey.generate()
            raw = self.private.public_key().public_bytes_raw()
            self.jwk = {"kty": "OKP", "crv": "Ed25519", "x": packed(raw)}

    @property
    def jkt(self) -> str:
        """RFC 7638, as a client would compute it."""
        canonical = json.dumps(self.jwk, separators=(",", ":"), sort_keys=True)
        return packed(hashlib.sha256(canonical.encode()).digest())

    def signature(self, signed: bytes) -> bytes:
        """As JWS wants it: for ECDSA both numbers one behind the other."""
        if self.algorithm != "ES256":
            return bytes(self.private.sign(signed))
        r, s = decode_dss_signature(self.private.sign(signed, ec.ECDSA(SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)

    def proof(
        self,
        method: str = "GET",
        path: str = NOTES,
        token: str | None = None,
        *,
        head: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """A proof for one request; `head` and `claims` replace what stands there, GONE takes it out."""
        header = {"typ": "dpop+jwt", "alg": self.algorithm, "jwk": self.jwk} | (head or {})
        said = {
            "jti": str(uuid.uuid4()),
            "htm": method,
            "htu": settings.SAAS_ORIGIN + path,
            "iat": int(time.time()),
            "nonce": self.nonce,
            "ath": packed(hashlib.sha256(token.encode()).digest()) if token else GONE,
        } | claims
        return self.signed(written(header), written(said))

    def signed(self, header: str, claims: str) -> str:
        """The JWS of two texts, whatever they hold."""
        text = f"{packed(header.encode())}.{packed(claims.encode())}"
        return f"{text}.{packed(self.signature(text.encode()))}"

    # As a client asks.

    def get(self, token: str, path: str = NOTES, **claims: Any) -> Any:
        """GET with token and proof, a second time if the server wants its nonce."""
        answer = ask(token, self.proof("GET", path.partition("?")[0], token, **claims), path)
        if self.learned(answer) and "nonce" not in claims:
            answer = ask(token, self.proof("GET", path.partition("?")[0], token, **claims), path)
            self.learned(answer)
        return answer

    def tokens(self, form: dict[str, str], **headers: str) -> Any:
        """The token endpoint, a second time if the server wants its nonce."""
        for _ in range(2):
            proof = self.proof("POST", "/oauth/token")
            answer = post("/oauth/token", form, DPoP=proof, **headers)
            if not self.learned(answer):
                break
        return answer

    def learned(self, answer: Any) -> bool:
        """Keep the nonce of an answer; whether the request is to be repeated with it."""
        self.nonce = answer.headers.get("DPoP-Nonce", self.nonce)
        return b"use_dpop_nonce" in answer.content or b"use-dpop-nonce" in answer.content

    def service_token(self, tenant: Tenant, *scopes: str) -> str:
        """A token of a service, for this key."""
        service = make_service(tenant, *scopes)
        form = {"grant_type": "client_credentials", "scope": " ".join(scopes)}
        answer = self.tokens(form, **basic(service))
        assert answer.status_code == 200, answer.content
        return str(answer.json()["access_token"])

    def pair(self, member: Member, app: Any = None, **more: str) -> Any:
        """The answer to a person's code, for this key."""
        app = app or make_client(member.organization, READ)
        return self.tokens(code_form(app, code_for(app, member, READ, **more)))

    def refreshed(self, app: Any, token: str, **headers: str) -> Any:
        """The answer to a refresh token."""
        return self.tokens(refresh_form(app, token), **headers)


def written(members: dict[str, Any]) -> str:
    """JSON without what is gone."""
    return json.dumps({name: value for name, value in members.items() if value is not GONE})


def ask(token: str, proof: str | None, path: str = NOTES, scheme: str = "DPoP") -> Any:
    """One GET with these headers."""
    headers = {"Authorization": f"{scheme} {token}"} | ({} if proof is None else {"DPoP": proof})
    return send("GET", path, headers=headers)


def code_form(app: Any, code: str) -> dict[str, str]:
    """A code for tokens."""
    return {
        "grant_type": "authorization_code",
        "client_id": app.client_id,
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }


def refresh_form(app: Any, token: str) -> dict[str, str]:
    """A refresh token for the next pair."""
    form = {"grant_type": "refresh_token", "refresh_token": token}
    return form | ({"client_id": app.client_id} if app.client_type == "public" else {})


def form_bytes(form: dict[str, str]) -> bytes:
    """A form as it travels."""
    return urlencode(form).encode()
