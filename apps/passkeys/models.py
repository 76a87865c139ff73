"""The public half of a key that a person's device keeps: a stolen table signs nobody in."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from saas.ids import IdField

LONGEST_ID = 1023  # bytes, WebAuthn §4
ID_TEXT = 1364  # of as many in base64url


class Passkey(models.Model):
    """One key of a person. `credential` is what the device gave: its id and the public key.

    `last_challenge` is what it signed last; `suspected_at` is when it was seen to have a copy, and
    from then on neither opens anything.
    """

    id = IdField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=100)
    credential_id = models.CharField(max_length=ID_TEXT, unique=True, editable=False)
    credential = models.BinaryField()
    sign_count = models.BigIntegerField(default=0)
    is_synced = models.BooleanField(default=False)
    last_challenge = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True)
    suspected_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        """The id: a name may tell where somebody works."""
        return f"passkey {self.pk}"
