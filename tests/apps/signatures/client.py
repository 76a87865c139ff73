"""A client that signs its requests, to copy from: standard library and `cryptography`, nothing else.

.venv/bin/python manage.py seed_demo --json |
    .venv/bin/python tests/apps/signatures/client.py GET /api/v1/customers
"""

import hashlib
import json
import sys
import time
from base64 import b64encode
from http.client import HTTPResponse
from secrets import token_urlsafe
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from cryptography.hazmat.primitives.serialization import load_pem_private_key

COVERED = ("authorization", "x-api-key", "content-type", "content-digest", "idempotency-key")


def components(method: str, url: str, headers: dict[str, str], body: bytes) -> dict[str, str]:
    """What a signature covers: the request line, and the headers that carry its meaning.

    The digest of the body joins the `headers`, so that the signature covers the body too.
    """
    place = urlsplit(url)
    if body:
        headers["content-digest"] = f"sha-256=:{b64encode(hashlib.sha256(body).digest()).decode()}:"
    line = {"@method": method, "@authority": place.netloc, "@path": place.path}
    line["@query"] = f"?{place.query}"
    return line | {name: headers[name] for name in COVERED if name in headers}


def sign(covered: dict[str, str], key: Any, key_id: str, **changes: Any) -> dict[str, str]:
    """The two headers that sign `covered` (RFC 9421 §3.1), good for five minutes and for once."""
    names = " ".join(f'"{name}"' for name in covered)
    parameters = {
        "created": int(time.time()),
        "nonce": token_urlsafe(16),
        "keyid": key_id,
        "tag": "invoice-api",
    } | changes
    said = "".join(
        f";{name}={value if isinstance(value, int) else f'"{value}"'}"
        for name, value in parameters.items()
        if value is not None
    )
    lines = [f'"{name}": {value}' for name, value in covered.items()]
    base = "\n".join([*lines, f'"@signature-params": ({names}){said}'])
    signature = b64encode(key.sign(base.encode())).decode()
    return {"signature-input": f"sig=({names}){said}", "signature": f"sig=:{signature}:"}


def ask(demo: dict[str, Any], method: str, path: str, text: str = "") -> tuple[int, Any]:
    """Status and body of a signed request of the demo's organization that wants them signed."""
    who = next(each for each in demo["organizations"] if "signing_keys" in each)
    secret, url, body = who["signing_keys"][0], demo["base_url"] + path, text.encode()
    headers = {"x-api-key": who["api_keys"][0]["secret"]}
    if body:
        headers |= {"content-type": "application/json", "idempotency-key": token_urlsafe(16)}
    covered = components(method, url, headers, body)
    key = load_pem_private_key(secret["private_key"].encode(), None)
    headers |= sign(covered, key, secret["id"])
    request = Request(url, body or None, headers, method=method)  # noqa: S310  # of our own server
    try:
        answer: HTTPResponse | HTTPError = urlopen(request)  # noqa: S310  # as above
    except HTTPError as refused:
        answer = refused
    with answer:
        return answer.status, json.load(answer)


if __name__ == "__main__":
    status, document = ask(json.load(sys.stdin), *sys.argv[1:])
    print(status, json.dumps(document, indent=2))
