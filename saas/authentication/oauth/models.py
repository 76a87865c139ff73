"""What the authorization server needs of the toolkit's rows; the product owns the tables."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from saas.ids import IdField

# What a module reads beside each usable access token, in the same query: annotation -> expression.
# It joins in AppConfig.ready(), and finds its own on `principal.credential`.
JOINED: dict[str, Any] = {}


class OfOrganization(models.Model):
    """An OAuth row that names the organization it acts for, so that no token carries it."""

    id = IdField()
    organization = models.ForeignKey(
        settings.SAAS_TENANT_MODEL, on_delete=models.CASCADE, related_name="+"
    )

    class Meta:
        abstract = True

    def __str__(self) -> str:
        """The kind and the id, which a log may hold."""
        return f"{self._meta.label} {self.pk}"


class ClientOfOrganization(OfOrganization):
    """A client: what its tokens may carry, and whether only its own organization may use it."""

    allowed_scopes = models.JSONField(default=list)
    is_private = models.BooleanField(default=False)

    class Meta:
        abstract = True


class Consent(OfOrganization):
    """A grant that is kept after its code was used: the anchor of all tokens that come from it.

    `code` holds a digest. `used_at` is when the code was exchanged, and from then on `expires` is
    the end of the family; `ended_at` is when somebody ended it before.
    """

    used_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class OfConsent(OfOrganization):
    """A token that remembers its grant; a service's token has none."""

    grant = models.ForeignKey(
        settings.OAUTH2_PROVIDER_GRANT_MODEL, null=True, on_delete=models.CASCADE, related_name="+"
    )

    class Meta:
        abstract = True


class UsableTokens(models.QuerySet[models.Model]):
    """The one spelling of "not expired, person active, client known"; what is revoked is gone."""

    def usable(self, at: object) -> "UsableTokens":
        """Access tokens that open something at `at`."""
        tokens = self.annotate(**JOINED) if JOINED else self
        return tokens.filter(
            Q(user=None) | Q(user__is_active=True), expires__gt=at, application__isnull=False
        )
