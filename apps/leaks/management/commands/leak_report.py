"""A reporter of one's own, to try the endpoint: it makes a key, and signs reports with it."""

import json
import os
import shlex
from argparse import ArgumentParser
from base64 import b64encode
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from django.conf import settings
from django.core.management.base import BaseCommand

from apps.leaks.reporters import KEY_ID, SIGNATURE

NAME = "local"


class Command(BaseCommand):
    """`manage.py leak_report sr_live_…` prints the curl command of a signed report."""

    help = (
        "Sign a leak report with a key below var/; without a token, say how to configure the key."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which tokens, and where they were found."""
        parser.add_argument("tokens", nargs="*", metavar="TOKEN")
        parser.add_argument("--url", default="https://github.com/somebody/code/blob/main/.env")

    def handle(self, *_: Any, tokens: list[str], url: str, **__: Any) -> None:
        """Print what to type."""
        key = own_key(settings.BASE_DIR / "var")
        if not tokens:
            public = settings.BASE_DIR / "var" / "leak-reporters.json"
            pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            public.write_text(json.dumps({NAME: {NAME: pem.decode()}}))
            self.stdout.write(f"SAAS_LEAK_REPORTERS_FILE={public}")
            return
        leaks = [
            {"token": token, "type": "strongroom", "url": url, "source": "content"}
            for token in tokens
        ]
        body = json.dumps(leaks)
        signature = b64encode(key.sign(body.encode(), ec.ECDSA(SHA256()))).decode()
        words = ["curl", "-i", f"{settings.SAAS_ORIGIN}/security/disclose-token"]
        for header in (
            "Content-Type: application/json",
            f"{KEY_ID}: {NAME}",
            f"{SIGNATURE}: {signature}",
        ):
            words += ["-H", header]
        self.stdout.write(shlex.join([*words, "-d", body]))


def own_key(folder: Path) -> ec.EllipticCurvePrivateKey:
    """The private key in `folder`, made when there is none, for the eyes of who made it."""
    path = folder / "leak-reporter.pem"
    if not path.exists():
        folder.mkdir(exist_ok=True)
        made = ec.generate_private_key(ec.SECP256R1())
        text = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text)
    key = load_pem_private_key(path.read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101  # written above
    return key
