"""What the credential look-up needs to know of an API key; the product owns the table."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from saas.authentication import keys


class UsableKeys(models.QuerySet[Any]):
    """The one spelling of "not revoked, not expired, maker active"."""

    def usable(self, at: datetime | None = None) -> "UsableKeys":
        """Keys that open something at this moment."""
        return self.filter(
            revoked_at=None, expires_at__gt=at or timezone.now(), creator__is_active=True
        )


class AbstractApiKey(models.Model):
    """A key without its secret: we keep a keyed digest, so a stolen table opens nothing."""

    creator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    name = models.CharField(max_length=100)
    public_id = models.CharField(max_length=keys.PUBLIC_ID, unique=True, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list)
    allowed_networks = models.JSONField(default=list)
    is_honeytoken = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    warned_days = models.PositiveSmallIntegerField(null=True, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        """The part of the key that may be shown."""
        return f"{self.prefix}…"

    @property
    def prefix(self) -> str:
        """What names the key for ever: its beginning, which opens nothing."""
        return f"{keys.PREFIX}{self.public_id}"
