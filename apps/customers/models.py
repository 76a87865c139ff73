"""A customer; what can hurt them when it leaks is sealed in the column."""

from django.db import models
from django.utils import timezone

from saas.crypto import random_text
from saas.persistence.encryption import BlindIndex, EncryptedText
from saas.persistence.tenant import TenantModel, tenant_reference

TOKEN = 24  # random characters


def bank_token() -> str:
    """A name for a bank account that means nothing outside its organization."""
    return "ba_" + random_text(TOKEN)


class Customer(TenantModel):
    """Whom an organization invoices."""

    name = models.CharField(max_length=200)
    country = models.CharField(max_length=2)
    email = EncryptedText(null=True)
    email_index = BlindIndex(source="email")
    address = models.JSONField(null=True)
    tax_id = EncryptedText(null=True)
    iban = EncryptedText(null=True)
    bank_token = models.CharField(max_length=40, null=True, editable=False)  # noqa: DJ001  # no account, no token
    bank_last4 = models.CharField(max_length=4, null=True, editable=False)  # noqa: DJ001  # as above
    internal_note = models.TextField(null=True)  # noqa: DJ001  # absent differs from empty
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=1)

    class Meta(TenantModel.Meta):
        constraints = [tenant_reference()]
        indexes = [
            models.Index(fields=["tenant", "name", "id"], name="customers_by_name"),
            models.Index(fields=["tenant", "email_index"], name="customers_by_email"),
        ]

    @property
    def bank_account(self) -> dict[str, str | None] | None:
        """What the API shows of the account: a token and the last four characters."""
        return {"token": self.bank_token, "last4": self.bank_last4} if self.bank_token else None
