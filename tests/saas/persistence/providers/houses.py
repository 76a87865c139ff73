"""Two houses that keep keys, on loopback: they speak what AWS KMS and Vault speak, to the clients
that speak to those.
"""

import json
import os
import threading
from base64 import b64decode, b64encode
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ACCOUNT = "arn:aws:kms:eu-central-1:111122223333:key/"


class Refusal(Exception):
    """A status and a body."""


def sealed(key, text, context):
    """As whoever keeps the key does it."""
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, text, context)


def unsealed(key, box, context, refusal):
    """The text, or the house's own refusal."""
    try:
        return AESGCM(key).decrypt(box[:12], box[12:], context)
    except (InvalidTag, ValueError):
        raise refusal from None


class House:
    """What both have: a server, who asked for what, and a switch that makes it fall silent."""

    def __init__(self):
        self.asked, self.broken = [], None


class KmsHouse(House):
    """JSON 1.1 under X-Amz-Target, signed with SigV4."""

    def __init__(self):
        super().__init__()
        self.keys, self.enabled, self.alias = {}, {}, None
        self.descriptions = {}
        self.alias = self.made("alias/strongroom")

    def made(self, description):
        arn = ACCOUNT + str(uuid4())
        self.keys[arn], self.enabled[arn] = os.urandom(32), True
        self.descriptions[arn] = description
        return arn

    def arn(self, key_id):
        arn = self.alias if key_id == "alias/strongroom" else key_id
        arn = arn if arn in self.keys else ACCOUNT + key_id
        if arn not in self.keys:
            raise Refusal(400, {"__type": "NotFoundException"})
        return arn

    def about(self, arn):
        return {"Arn": arn, "KeyId": arn.removeprefix(ACCOUNT), "Enabled": self.enabled[arn],
                "Description": self.descriptions[arn]}  # fmt: skip

    def answer(self, method, path, headers, body):
        signed = headers.get("Authorization", "")
        if not (signed.startswith("AWS4-HMAC-SHA256 Credential=") and "/kms/aws4_request" in signed
                and "SignedHeaders=" in signed and "Signature=" in signed
                and headers.get("X-Amz-Date")):  # fmt: skip
            raise Refusal(400, {"__type": "MissingAuthenticationTokenException"})
        assert headers["Content-Type"] == "application/x-amz-json-1.1"
        act = headers["X-Amz-Target"].removeprefix("TrentService.")
        self.asked.append(act)
        context = json.dumps(body.get("EncryptionContext", {}), sort_keys=True).encode()
        if act == "ListKeys":
            return {"Keys": [{"KeyArn": arn} for arn in self.keys], "Truncated": False}
        if act == "CreateKey":
            return {"KeyMetadata": self.about(self.made(body["Description"]))}
        if act == "UpdateAlias":
            self.alias = self.arn(body["TargetKeyId"])
            return {}
        arn = self.arn(body["KeyId"])
        if act == "DescribeKey":
            return {"KeyMetadata": self.about(arn)}
        if act == "ScheduleKeyDeletion":
            self.enabled[arn] = False
            return {"KeyId": arn}
        if not self.enabled[arn]:
            raise Refusal(400, {"__type": "KMSInvalidStateException"})
        if act == "Encrypt":
            box = (
                arn.encode() + b"|" + sealed(self.keys[arn], b64decode(body["Plaintext"]), context)
            )
            return {"KeyId": arn, "CiphertextBlob": b64encode(box).decode()}
        if act == "Decrypt":
            name, _, box = b64decode(body["CiphertextBlob"]).partition(b"|")
            if name.decode(errors="replace") != arn:
                raise Refusal(400, {"__type": "IncorrectKeyException"})
            wrong = Refusal(400, {"__type": "InvalidCiphertextException"})
            text = unsealed(self.keys[arn], box, context, wrong)
            return {"KeyId": arn, "Plaintext": b64encode(text).decode()}
        raise Refusal(400, {"__type": "UnsupportedOperationException"})


class SecretsHouse(House):
    """AWS Secrets Manager: one act, signed with SigV4."""

    def __init__(self):
        super().__init__()
        self.kept = {}

    def answer(self, method, path, headers, body):
        assert "/secretsmanager/aws4_request" in headers.get("Authorization", "")
        assert headers["X-Amz-Target"] == "secretsmanager.GetSecretValue"
        self.asked.append(body["SecretId"])
        if body["SecretId"] not in self.kept:
            raise Refusal(400, {"__type": "ResourceNotFoundException"})
        return {"Name": body["SecretId"], "SecretString": self.kept[body["SecretId"]]}


class VaultHouse(House):
    """/v1/transit, and KV of version 2 at /v1/secret, under a token."""

    def __init__(self):
        super().__init__()
        self.versions, self.oldest, self.tokens = [os.urandom(32)], 1, ["s.operator"]
        self.kept, self.shown = {}, []

    def answer(self, method, path, headers, body):
        self.shown.append(headers.get("X-Vault-Token"))
        if headers.get("X-Vault-Token") not in self.tokens:
            raise Refusal(403, {"errors": ["permission denied"]})
        if path.startswith("/v1/secret/data/"):
            kept = self.kept.get(path.removeprefix("/v1/secret/data/"))
            if kept is None:
                raise Refusal(404, {"errors": []})
            return {"data": {"data": kept, "metadata": {"version": 1}}}
        act = path.removeprefix("/v1/transit/")
        self.asked.append(act)
        context = b64decode(body.get("context", ""))
        if act == "encrypt/strongroom":
            box = sealed(self.versions[-1], b64decode(body["plaintext"]), context)
            text = f"vault:v{len(self.versions)}:{b64encode(box).decode()}"
            return {"data": {"ciphertext": text}}
        if act == "decrypt/strongroom":
            wrong = Refusal(400, {"errors": ["cipher: message authentication failed"]})
            try:
                _, version, box = body["ciphertext"].split(":")
                number, box = int(version[1:]), b64decode(box)
            except ValueError:
                raise wrong from None
            if not self.oldest <= number <= len(self.versions):
                raise Refusal(400, {"errors": ["ciphertext version is disallowed by policy"]})
            text = unsealed(self.versions[number - 1], box, context, wrong)
            return {"data": {"plaintext": b64encode(text).decode()}}
        if act == "keys/strongroom" and method == "GET":
            return {"data": {"latest_version": len(self.versions),
                             "min_decryption_version": self.oldest}}  # fmt: skip
        if act == "keys/strongroom/rotate":
            self.versions.append(os.urandom(32))
            return {"data": None}
        if act == "keys/strongroom/config":
            self.oldest = body["min_decryption_version"]
            return {"data": None}
        raise Refusal(404, {"errors": []})


@contextmanager
def open_house(house):
    """The address of a running server in front of `house`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            """Nothing."""

        def respond(self):
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size) or b"{}")
            try:
                if house.broken:
                    raise Refusal(
                        house.broken, {"errors": ["sealed"], "__type": "KMSInternalException"}
                    )
                status, answer = 200, house.answer(self.command, self.path, self.headers, body)
            except Refusal as refusal:
                status, answer = refusal.args
            sent = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(sent)))
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = do_PUT = respond  # noqa: N815  # http.server names them so

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
