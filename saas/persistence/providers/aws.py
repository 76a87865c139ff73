"""AWS KMS keeps the keys: they never leave it, and its own log says who used which for what.

`SAAS_KEY_PROVIDER=saas.persistence.providers.aws.Kms`, `pip install strongroom[aws]`. SAAS_KMS_KEY
is an alias (`alias/strongroom`); region, credentials and endpoint are boto3's own settings. Who
serves needs kms:Encrypt, kms:Decrypt and kms:DescribeKey; the rest is the operator's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from saas.crypto import Unreadable
from saas.custody import ProviderDown, Wrapped

# The key is gone, or the bytes or their context are not those that were wrapped.
UNREADABLE = {
    "DisabledException",
    "IncorrectKeyException",
    "InvalidCiphertextException",
    "KMSInvalidStateException",
    "NotFoundException",
}
PENDING_DAYS = 30  # before a retired key is gone for good; until then it can be called back
PATIENCE = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2})


@contextmanager
def answered() -> Iterator[None]:
    """Tell an answer from a silence."""
    try:
        yield
    except ClientError as fault:
        code = fault.response.get("Error", {}).get("Code", "")
        if code in UNREADABLE:
            raise Unreadable(f"AWS KMS: {code}") from None
        raise ProviderDown(f"AWS KMS: {code}") from None
    except BotoCoreError as fault:
        raise ProviderDown(f"AWS KMS: {type(fault).__name__}") from None


class Kms:
    """Keys behind one alias: it names the current one, and each stays readable by its own name."""

    @cached_property
    def client(self) -> Any:
        """Of boto3; threads may share it."""
        return boto3.client("kms", config=PATIENCE)

    @property
    def alias(self) -> str:
        """What the current key is called."""
        return str(settings.SAAS_KMS_KEY)

    def current(self) -> str:
        """The name of the key that the alias leads to."""
        with answered():
            found = self.client.describe_key(KeyId=self.alias)
        return str(found["KeyMetadata"]["Arn"])

    def wrap(self, key: bytes, context: bytes) -> Wrapped:
        """Encrypt; the answer says under which key."""
        with answered():
            made = self.client.encrypt(
                KeyId=self.alias, Plaintext=key, EncryptionContext=said(context)
            )
        return Wrapped(made["KeyId"], made["CiphertextBlob"])

    def unwrap(self, wrapped: Wrapped, context: bytes) -> bytes:
        """Decrypt, by the key that is named and no other."""
        with answered():
            found = self.client.decrypt(
                KeyId=wrapped.key_id,
                CiphertextBlob=wrapped.body,
                EncryptionContext=said(context),
            )
        return bytes(found["Plaintext"])

    def names(self) -> list[str]:
        """The keys that were made here and are still enabled."""
        found = []
        with answered():
            for page in self.client.get_paginator("list_keys").paginate():
                for key in page["Keys"]:
                    about = self.client.describe_key(KeyId=key["KeyArn"])["KeyMetadata"]
                    if about.get("Description") == self.alias and about["Enabled"]:
                        found.append(str(about["Arn"]))
        return found

    def rotate(self) -> str:
        """A new key, to which the alias leads from now on."""
        with answered():
            made = self.client.create_key(Description=self.alias)["KeyMetadata"]
            self.client.update_alias(AliasName=self.alias, TargetKeyId=made["KeyId"])
        return str(made["Arn"])

    def retire(self, key_id: str) -> None:
        """Shut at once, and gone after a month."""
        with answered():
            self.client.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=PENDING_DAYS)


def said(context: bytes) -> dict[str, str]:
    """What is bound to the ciphertext and stands in the log of AWS."""
    return {"strongroom": context.decode()}
