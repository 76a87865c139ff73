"""Which key a token, a grant or a client is bound to; the core's tables know nothing of it."""

from django.conf import settings
from django.db import models

JKT = 43  # SHA-256 as base64url


class Bound(models.Model):
    """What only the holder of this key may use."""

    jkt = models.CharField(max_length=JKT)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        """The key's name, which is public."""
        return self.jkt


class BoundToken(Bound):
    """An access token that opens nothing without a proof of this key."""

    token = models.OneToOneField(
        settings.OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="dpop",
    )


class BoundGrant(Bound):
    """A code, or a public client's family of refresh tokens, that only this key may use."""

    grant = models.OneToOneField(
        settings.OAUTH2_PROVIDER_GRANT_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="+",
    )


class BoundClient(models.Model):
    """A client that gets no token without a proof (`dpop_bound_access_tokens`, RFC 9449 §5.2)."""

    client = models.OneToOneField(
        settings.OAUTH2_PROVIDER_APPLICATION_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="+",
    )

    def __str__(self) -> str:
        """The id of the client's row."""
        return str(self.pk)
