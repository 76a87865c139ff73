"""The public keys that an organization has registered, and what each of them can verify."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, cast

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)
from rest_framework.serializers import ErrorDetail, ValidationError

MAX_KEYS = 10
MAX_PEM = 1000
ID = r"^[0-9A-Za-z._:-]{1,64}$"
EXAMPLE = {
    "id": "erp-2026",
    "algorithm": "ed25519",
    "public_key": "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n"
    "-----END PUBLIC KEY-----\n",
}


def _ed25519(key: Any, signature: bytes, base: bytes) -> None:
    cast(Ed25519PublicKey, key).verify(signature, base)


def _p256(key: Any, signature: bytes, base: bytes) -> None:
    if len(signature) != 64:  # r and s, RFC 9421 §3.3.4
        raise InvalidSignature
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    cast(EllipticCurvePublicKey, key).verify(encode_dss_signature(r, s), base, ECDSA(SHA256()))


ALGORITHMS: dict[str, Callable[[Any, bytes, bytes], None]] = {
    "ed25519": _ed25519,
    "ecdsa-p256-sha256": _p256,
}
PROPERTIES = {
    "id": {"type": "string", "pattern": ID},
    "algorithm": {"type": "string", "enum": list(ALGORITHMS)},
    "public_key": {"type": "string", "maxLength": MAX_PEM, "description": "PEM, as SPKI."},
}
SCHEMA = {
    "type": "array",
    "maxItems": MAX_KEYS,
    "items": {
        "type": "object",
        "properties": PROPERTIES,
        "required": list(PROPERTIES),
        "additionalProperties": False,
    },
    "description": "The public keys that requests may be signed with; `id` is their `keyid`. "
    "A list replaces the former one.",
    "examples": [[EXAMPLE]],
}


def verifies(key: dict[str, str], signature: bytes, base: bytes) -> bool:
    """Whether the owner of a registered key has signed `base`, by the algorithm of the key."""
    try:
        ALGORITHMS[key["algorithm"]](_loaded(key["public_key"]), signature, base)
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=1024)
def _loaded(pem: str) -> Any:
    return load_pem_public_key(pem.encode())


def algorithm_of(public_key: Any) -> str | None:
    """The one algorithm that a key is good for here, or None."""
    if isinstance(public_key, Ed25519PublicKey):
        return "ed25519"
    if isinstance(public_key, EllipticCurvePublicKey) and isinstance(public_key.curve, SECP256R1):
        return "ecdsa-p256-sha256"
    return None


def judge(data: Any) -> list[dict[str, str]]:
    """A closed list of keys as they are kept. Raises ValidationError at what is wrong."""
    if not isinstance(data, list) or len(data) > MAX_KEYS:
        raise ValidationError(f"Must be a list of {MAX_KEYS} keys at most.", "invalid")
    errors = [_errors(each) for each in data]
    if any(errors):
        raise ValidationError(cast(Any, errors))
    if len({each["id"] for each in data}) < len(data):
        raise ValidationError("Two keys have the same id.", "repeated")
    return [{**each, "public_key": _canonical(each["public_key"])} for each in data]


def _errors(data: Any) -> dict[str, list[str]]:
    """What is wrong with one key, by the names of its members."""
    if not isinstance(data, dict):
        return {"": [ErrorDetail("Must be an object.", "invalid")]}
    found: dict[str, list[str]] = {
        name: [ErrorDetail("This field is not expected here.", "unexpected-field")]
        for name in data
        if name not in PROPERTIES
    }
    if not (isinstance(data.get("id"), str) and re.search(ID.replace("$", r"\Z"), data["id"])):
        found["id"] = [ErrorDetail("Must be 1 to 64 of 0-9 A-Z a-z . _ : -", "invalid")]
    pem, algorithm = data.get("public_key"), data.get("algorithm")
    if algorithm not in list(ALGORITHMS):
        text = f"Must be one of: {', '.join(ALGORITHMS)}."
        found["algorithm"] = [ErrorDetail(text, "invalid-choice")]
    elif not isinstance(pem, str) or algorithm_of(_parsed(pem)) != algorithm:
        found["public_key"] = [ErrorDetail(f"Must be a PEM of an {algorithm} key.", "invalid")]
    return found


def _parsed(pem: str) -> Any:
    """The key, or None for what is none; a private one is none, and should not have been sent."""
    if len(pem) > MAX_PEM or not pem.isascii():
        return None
    try:
        return load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        return None


def _canonical(pem: str) -> str:
    spki: bytes = _parsed(pem).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return spki.decode()
