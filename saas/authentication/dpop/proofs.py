"""What a proof says, read strictly: whoever may spell one proof in two ways has two proofs."""

import binascii
import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

MAX_LENGTH = 2048
MAX_JTI = 128
COORDINATE = 32  # bytes, on both curves
# By algorithm: the kind of key, its curve, and the members that hold its coordinates. No other
# algorithm is known, so none can be asked for: neither `none` nor a secret shared by both sides.
FORMS = {"ES256": ("EC", "P-256", ("x", "y")), "EdDSA": ("OKP", "Ed25519", ("x",))}
ALGORITHMS = tuple(FORMS)
PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})  # RFC 7518 §6, RFC 8037 §2


class BadProof(Exception):
    """One of the checks of RFC 9449 §4.3 failed; the words may be told to the caller."""


class Proof(NamedTuple):
    """What a proof says, once it is known that the key in it signed it; `jkt` names that key."""

    jkt: str
    jti: str
    htm: str
    htu: str
    iat: float
    ath: str | None
    nonce: str | None


def read(header: str | None) -> Proof:
    """The proof in a DPoP header: checks 1 to 7 of RFC 9449 §4.3. Raises BadProof."""
    if header is None:
        raise BadProof("The DPoP header is missing.")
    if "," in header:  # a server joins repeated headers with a comma; no JWT holds one
        raise BadProof("Send one DPoP header.")
    if len(header) > MAX_LENGTH:
        raise BadProof("The proof is too long.")
    parts = header.split(".")
    if len(parts) != 3:
        raise BadProof("The proof is no JWT.")
    head, claims = (_object(unpacked(part)) for part in parts[:2])
    if head.get("typ") != "dpop+jwt":
        raise BadProof("typ must be dpop+jwt.")
    algorithm = head.get("alg")
    if not isinstance(algorithm, str) or algorithm not in FORMS:
        raise BadProof(f"alg must be one of {' '.join(FORMS)}.")
    if "crit" in head:  # RFC 7515 §4.1.11: what must be understood and is not
        raise BadProof("crit is not understood.")
    members = _public(algorithm, head.get("jwk"))
    signed = f"{parts[0]}.{parts[1]}".encode()
    if not is_signed(algorithm, members, signed, unpacked(parts[2])):
        raise BadProof("The signature is not of the key in jwk.")
    return _said(thumbprint(members), claims)


def thumbprint(members: dict[str, str]) -> str:
    """The name of a public key, given the members that make it (RFC 7638)."""
    return hashed(json.dumps(members, separators=(",", ":"), sort_keys=True))


def hashed(text: str) -> str:
    """SHA-256 as base64url: how proofs name keys and tokens (`jkt`, `ath`)."""
    return packed(hashlib.sha256(text.encode()).digest())


def packed(raw: bytes) -> str:
    """base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def unpacked(text: Any) -> bytes:
    """The bytes of base64url without padding, in their one spelling: Python would skip what is not
    of the alphabet, and read two spellings of the last character alike.
    """
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (TypeError, ValueError, binascii.Error):
        raise BadProof("A part is no base64url.") from None
    if packed(raw) != text:
        raise BadProof("A part is no base64url.")
    return raw


def _object(raw: bytes) -> dict[str, Any]:
    """A JSON object that names nothing twice: of two readers each could believe another one."""
    try:
        value = json.loads(raw.decode(), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise BadProof("A part is no JSON.") from None
    if not isinstance(value, dict):
        raise BadProof("A part is no JSON object.")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("A name stands twice.")
    return found


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON.")


def _public(algorithm: str, jwk: Any) -> dict[str, str]:
    """The members that make the public key. A private one here has been shown to the world."""
    if not isinstance(jwk, dict):
        raise BadProof("jwk is missing.")
    if not PRIVATE.isdisjoint(jwk):
        raise BadProof("jwk holds a private key.")
    kind, curve, coordinates = FORMS[algorithm]
    if jwk.get("kty") != kind or jwk.get("crv") != curve:
        raise BadProof(f"{algorithm} wants a key of {curve}.")
    if any(len(unpacked(jwk.get(name))) != COORDINATE for name in coordinates):
        raise BadProof("jwk has a coordinate of another length.")
    return {"kty": kind, "crv": curve, **{name: jwk[name] for name in coordinates}}


def is_signed(algorithm: str, members: dict[str, str], signed: bytes, signature: bytes) -> bool:
    """Whether the private half of this key signed these bytes (RFC 7518 §3.4, RFC 8037 §3.1)."""
    x = unpacked(members["x"])
    try:
        if algorithm == "EdDSA":
            Ed25519PublicKey.from_public_bytes(x).verify(signature, signed)
            return True
        point = EllipticCurvePublicNumbers(
            int.from_bytes(x), int.from_bytes(unpacked(members["y"])), SECP256R1()
        )
        half = len(signature) // 2
        r, s = int.from_bytes(signature[:half]), int.from_bytes(signature[half:])
        key = point.public_key()  # ValueError for a point that is not on the curve
        key.verify(encode_dss_signature(r, s), signed, ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return len(signature) == 2 * COORDINATE


def _said(jkt: str, claims: dict[str, Any]) -> Proof:
    """The claims of RFC 9449 §4.2, each of its type."""
    jti, iat = claims.get("jti"), claims.get("iat")
    if not (isinstance(jti, str) and 0 < len(jti) <= MAX_JTI and jti.isprintable()):
        raise BadProof(f"jti must have 1 to {MAX_JTI} printable characters.")
    if isinstance(iat, bool) or not isinstance(iat, (int, float)):
        raise BadProof("iat must be a number.")
    texts: dict[str, Any] = {name: claims.get(name) for name in ("htm", "htu", "ath", "nonce")}
    for name, value in texts.items():
        is_text = isinstance(value, str) and value.isascii()  # half a character breaks what encodes
        if not is_text and (value is not None or name in ("htm", "htu")):
            raise BadProof(f"{name} must be a text of ASCII.")
    return Proof(jkt=jkt, jti=jti, iat=iat, **texts)
