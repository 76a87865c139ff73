"""One way to each secret, whoever keeps it; what goes wrong is told by name and never by value."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

PATIENCE = 2  # seconds, for a house of secrets to answer
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def secret(name: str, default: str | None = None) -> str:
    """What the variable `name` holds, the file that NAME_FILE names, or the house that NAME_FROM
    names: `vault:mount/path#field` (KV version 2) or `aws:name#field` (Secrets Manager).

    Raises ImproperlyConfigured, so that nothing starts, when it cannot be had, when it is missing
    and there is no default, and when two places are named: the one that was forgotten would keep
    a value that everybody believes to be gone.
    """
    kinds: dict[str, Callable[[str], str]] = {"": str, "_FILE": of_file, "_FROM": of_house}
    places = {kind: told for kind in kinds if (told := os.environ.get(name + kind))}
    if len(places) > 1:
        raise ImproperlyConfigured(f"{' and '.join(name + kind for kind in places)} are both set.")
    found = ""
    for kind, told in places.items():
        try:
            found = kinds[kind](told)
        except Exception as fault:  # whatever it is, its words may hold the value
            reason = fault if isinstance(fault, ImproperlyConfigured) else type(fault).__name__
            raise ImproperlyConfigured(f"{name}{kind} gives no secret: {reason}") from None
    if not found and default is None:
        raise ImproperlyConfigured(f"The secret {name} is not set.")
    return found or default or ""


def of_file(path: str) -> str:
    """A file, without the end of line that every editor leaves there."""
    return Path(path).read_text().rstrip("\n")


def of_house(place: str) -> str:
    """Whoever keeps secrets for us, asked once, by its own client."""
    house, _, rest = place.partition(":")
    path, _, field = rest.partition("#")
    if house not in HOUSES or not path:
        raise ImproperlyConfigured("vault:mount/path#field or aws:name#field is wanted")
    return HOUSES[house](path, field)


def of_vault(path: str, field: str) -> str:
    """`pip install strongroom[vault]`; VAULT_ADDR is Vault's own."""
    import hvac

    mount, _, rest = path.partition("/")
    url = os.environ["VAULT_ADDR"]
    if not url.startswith("https://") and urlsplit(url).hostname not in LOOPBACK:
        # Whoever listens in would have every secret of the house at once (TRANS-01).
        raise ImproperlyConfigured("VAULT_ADDR must be https://")
    client = hvac.Client(url=url, token=secret("VAULT_TOKEN"), timeout=PATIENCE)
    kept = client.secrets.kv.v2.read_secret_version(
        rest, mount_point=mount, raise_on_deleted_version=True
    )
    return str(kept["data"]["data"][field])


def of_aws(name: str, field: str) -> str:
    """`pip install strongroom[aws]`; region, credentials and endpoint are boto3's own settings."""
    import boto3
    from botocore.config import Config

    patience = Config(
        connect_timeout=PATIENCE, read_timeout=PATIENCE, retries={"total_max_attempts": 2}
    )
    client = boto3.client("secretsmanager", config=patience)
    kept = str(client.get_secret_value(SecretId=name)["SecretString"])
    return str(json.loads(kept)[field]) if field else kept


HOUSES: dict[str, Callable[[str, str], str]] = {"vault": of_vault, "aws": of_aws}
