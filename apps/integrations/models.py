"""Credentials that other systems hold: API keys, and the toolkit's OAuth models with their
organization.
"""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from oauth2_provider.models import (
    AbstractAccessToken,
    AbstractApplication,
    AbstractDeviceGrant,
    AbstractGrant,
    AbstractIDToken,
    AbstractRefreshToken,
)

from saas.authentication.models import AbstractApiKey, UsableKeys
from saas.ids import IdField
from saas.persistence.tenant import TenantManager, TenantModel, tenant_reference


class ApiKey(TenantModel, AbstractApiKey):
    """A key of one organization, never worth more than its maker is today."""

    objects: ClassVar[Any] = TenantManager.from_queryset(UsableKeys)()

    readable_by = {"digest": "app.credential"}

    class Meta(TenantModel.Meta):
        constraints = [tenant_reference()]


class OfOrganization(models.Model):
    """An OAuth row that names the organization it acts for, so that no token carries it."""

    id = IdField()
    organization = models.ForeignKey(
        settings.SAAS_TENANT_MODEL, null=True, on_delete=models.CASCADE, related_name="+"
    )

    class Meta:
        abstract = True

    def __str__(self) -> str:
        """The kind and the id, which a log may hold."""
        return f"{self._meta.label} {self.pk}"


class OAuthApplication(OfOrganization, AbstractApplication):
    """A client; it belongs to the organization that registered it."""

    allowed_scopes = models.JSONField(default=list)

    class Meta(AbstractApplication.Meta):
        swappable = "OAUTH2_PROVIDER_APPLICATION_MODEL"


class OAuthGrant(OfOrganization, AbstractGrant):
    """An authorization code on its way; it is given for one organization."""

    class Meta(AbstractGrant.Meta):
        swappable = "OAUTH2_PROVIDER_GRANT_MODEL"


class OAuthAccessToken(OfOrganization, AbstractAccessToken):
    """An access token, kept as a digest."""

    class Meta(AbstractAccessToken.Meta):
        swappable = "OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL"


class OAuthRefreshToken(OfOrganization, AbstractRefreshToken):
    """A refresh token of a family."""

    class Meta(AbstractRefreshToken.Meta):
        swappable = "OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL"


class OAuthIDToken(OfOrganization, AbstractIDToken):
    """An ID token: it says who somebody is, and opens nothing."""

    class Meta(AbstractIDToken.Meta):
        swappable = "OAUTH2_PROVIDER_ID_TOKEN_MODEL"


class OAuthDeviceGrant(OfOrganization, AbstractDeviceGrant):
    """The device grant is off; the toolkit moves its six models together."""

    class Meta(AbstractDeviceGrant.Meta):
        swappable = "OAUTH2_PROVIDER_DEVICE_GRANT_MODEL"
