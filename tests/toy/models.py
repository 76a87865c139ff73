"""A note: it may answer another one, and its body is sealed in the column."""

from django.db import models
from django.utils import timezone

from saas.persistence.encryption import BlindIndex, EncryptedText
from saas.persistence.tenant import TenantModel, tenant_reference


class Note(TenantModel):
    """What somebody wrote down."""

    title = models.CharField(max_length=100)
    body = EncryptedText(null=True)
    body_index = BlindIndex(source="body")
    author = EncryptedText(null=True)
    due_on = models.DateField(null=True)
    parent = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="replies")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    version = models.PositiveIntegerField(default=1)

    class Meta(TenantModel.Meta):
        constraints = [tenant_reference()]
