"""`manage.py check --deploy` with production's settings, roles and migrated tables."""

import base64
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import sql

from tests.servers import Missing, provide

COMMANDS = (
    ["migrate", "--verbosity=0"],
    ["check", "--deploy", "--database=default", "--fail-level=WARNING"],
)


def main() -> int | str:
    """Give back the exit code of the first command that failed, or 0."""
    try:
        provide()
    except Missing as reason:
        return str(reason)
    with fresh_database() as urls:
        environment = os.environ | throwaway() | urls
        for command in COMMANDS:
            ended = subprocess.run([sys.executable, "manage.py", *command], env=environment)
            if ended.returncode:
                return ended.returncode
    return 0


def throwaway() -> dict[str, str]:
    """All that production asks for; the secrets live as long as this check."""
    signing = Ed25519PrivateKey.generate()
    made = {
        "SAAS_CHECKPOINT_KEY": base64.b64encode(signing.private_bytes_raw()).decode(),
        "SAAS_CHECKPOINT_PUBLIC_KEYS": base64.b64encode(
            signing.public_key().public_bytes_raw()
        ).decode(),
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "SAAS_PEPPER": base64.b64encode(secrets.token_bytes(32)).decode(),
        "SAAS_KEK": base64.b64encode(secrets.token_bytes(32)).decode(),
        "SAAS_ORIGIN": "https://api.strongroom.example",
        "ALLOWED_HOSTS": "api.strongroom.example",
    }
    return made | signing_key(os.environ | made)


def signing_key(environment: dict[str, str]) -> dict[str, str]:
    """As the operator makes it."""
    command = [sys.executable, "manage.py", "rotate_oidc_keys"]
    made = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    name, _, value = made.stdout.strip().partition("=")
    return {name: value}


@contextmanager
def fresh_database() -> Iterator[dict[str, str]]:
    """An empty database for the length of the block, as both roles see it."""
    name = f"strongroom_deployment_{secrets.token_hex(4)}"
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield {
                variable: urlsplit(os.environ[variable])._replace(path=f"/{name}").geturl()
                for variable in ("DATABASE_URL", "DATABASE_OWNER_URL")
            }
        finally:
            connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


if __name__ == "__main__":
    sys.exit(main())
