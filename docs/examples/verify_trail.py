"""Verify your organization's audit trail without us: needs Python 3.12 and `cryptography` alone.

    verify_trail.py https://api.strongroom.example ORGANIZATION < file-with-an-api-key

    verify_trail.py FILE ORGANIZATION --keys KEYS     offline, with what `--save FILE` has kept

It reads /audit-events and /audit-checkpoints, computes every hash and every signature anew, and
names the first entry or checkpoint that cannot be believed. Keep what it prints at the end: given
as `--known NUMBER:DIGEST` the next time, it shows that nothing you have seen was taken back since.
Keep the keys too (`--keys FILE`): whoever could replace the ones that we serve could sign anew.
"""

import argparse
import json
import os
import sys
from base64 import b64decode, urlsafe_b64decode
from hashlib import sha256
from urllib.request import Request, urlopen

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

GENESIS = "0" * 64
SIGNED = ("tenant", "number", "kind", "seq", "hash", "at", "previous", "detail", "key")


def plain(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def link(organization, previous, entry):
    """The hash that this entry must have."""
    about = entry["object"] or {"type": "", "id": None}
    at = entry["at"].removesuffix("Z")
    fields = {
        "tenant": organization,
        "id": entry["id"],
        "at": f"{at if '.' in at else at + '.'}".ljust(26, "0") + "+00:00",
        "event": entry["event"],
        "principal_kind": entry["principal"]["kind"],
        "principal_id": entry["principal"]["id"],
        "user_id": entry["user"],
        "request_id": entry["request_id"],
        "object_type": about["type"],
        "object_id": about["id"],
        "data": entry["data"],
    }
    return sha256(f"{previous}:{entry['seq']}:{plain(fields)}".encode()).hexdigest()


def read_chain(organization, entries):
    """The hash of each entry, from the first one on; stops at what does not follow."""
    hashes = [GENESIS]
    for entry in entries:
        if entry["seq"] != len(hashes):
            sys.exit(f"entry {len(hashes)} is missing")
        if link(organization, hashes[-1], entry) != entry["hash"]:
            sys.exit(f"entry {entry['seq']} does not match its hash")
        hashes.append(entry["hash"])
    return hashes


def read_checkpoints(organization, checkpoints, keys, hashes):
    """The digest of each checkpoint; stops at one that is forged, or that saw another chain."""
    digests, lowest = [GENESIS], len(hashes) + max((one["seq"] for one in checkpoints), default=0)
    for checkpoint in reversed(checkpoints):  # what came behind a restored entry is lost
        checkpoint["lost"] = checkpoint["seq"] > lowest
        if checkpoint["kind"] == "restored":
            lowest = min(lowest, checkpoint["seq"])
    for checkpoint in checkpoints:
        name = f"checkpoint {checkpoint['number']}"
        text = plain({field: (checkpoint | {"tenant": organization})[field] for field in SIGNED})
        if checkpoint["key"] not in keys:
            sys.exit(f"{name} is signed by a key that you do not know")
        try:
            keys[checkpoint["key"]].verify(b64decode(checkpoint["signature"]), text.encode())
        except InvalidSignature:
            sys.exit(f"{name} has a signature that is not its key's")
        if checkpoint["number"] != len(digests) or checkpoint["previous"] != digests[-1]:
            sys.exit(f"{name} does not follow the one before it")
        if not checkpoint["lost"]:
            if checkpoint["seq"] >= len(hashes):
                sys.exit(f"entry {len(hashes)} is missing: {name} saw {checkpoint['seq']} entries")
            if hashes[checkpoint["seq"]] != checkpoint["hash"]:
                sys.exit(f"entry {checkpoint['seq']} or one before it is not what {name} saw")
        digests.append(sha256(text.encode()).hexdigest())
    return digests


def read_keys(text):
    """The public keys by their ids (RFC 8037)."""
    return {
        key["kid"]: Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(key["x"] + "=="))
        for key in json.loads(text)["keys"]
    }


def fetch(url, headers):
    with urlopen(Request(url, headers=headers)) as answer:  # noqa: S310  # an origin that you name
        return answer.read()


def everything(origin, path, headers):
    """All rows of a list, page after page."""
    while path:
        page = json.loads(fetch(origin + path[path.index("/api/") :], headers))
        yield from page["results"]
        path = page["next"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("origin", help="of the API, or a file that `--save` has written")
    parser.add_argument("organization")
    parser.add_argument("--keys", help="a file with the keys, as you kept it")
    parser.add_argument("--known", help="what an earlier run printed at its end")
    parser.add_argument("--save", help="a file for what is read, to verify it offline")
    given = parser.parse_args()
    is_saved = os.path.isfile(given.origin)
    if is_saved and not given.keys:
        parser.error("offline you need the keys as you kept them: --keys")
    if given.keys:
        with open(given.keys) as file:
            keys = read_keys(file.read())
    else:
        keys = read_keys(fetch(f"{given.origin}/.well-known/audit-checkpoint-keys.json", {}))
    if is_saved:
        with open(given.origin) as file:
            checkpoints, events = json.load(file)
    else:
        headers = {"X-API-Key": sys.stdin.readline().strip()}
        # The checkpoints first: what is written meanwhile, they need not have seen.
        path = "/api/v1/audit-checkpoints?ordering=number&page_size=100"
        checkpoints = list(everything(given.origin, path, headers))
        path = "/api/v1/audit-events?ordering=seq&page_size=100"
        events = list(everything(given.origin, path, headers))
    if given.save:
        with open(given.save, "w") as file:
            json.dump([checkpoints, events], file)
    hashes = read_chain(given.organization, events)
    digests = read_checkpoints(given.organization, checkpoints, keys, hashes)
    if given.known:
        number, _, digest = given.known.partition(":")
        if dict(enumerate(digests)).get(int(number)) != digest:
            sys.exit(f"checkpoint {number} is not the one that you saw")
    print(f"{len(hashes) - 1} entries and {len(digests) - 1} checkpoints are whole")
    print(f"--known {len(digests) - 1}:{digests[-1]}")


if __name__ == "__main__":
    main()
