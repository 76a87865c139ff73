"""ck: bk with django-oauth-toolkit as its documentation shows it, a tenant by membership, and what
people add by hand to a POST: an idempotency key and an audit row.
"""

import hashlib

from django.db import transaction
from oauth2_provider.contrib.rest_framework import OAuth2Authentication, TokenHasScope
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from tests.bench.variants.bare import InvoiceViewSet as Bare
from tests.bench.variants.bare import routes
from tests.bench.variants.models import AuditLog, IdempotencyKey


class InvoiceViewSet(Bare):
    """The invoices of the caller's organization."""

    authentication_classes = [OAuth2Authentication]
    permission_classes = [TokenHasScope]

    @property
    def required_scopes(self):
        """Reading and writing are two scopes."""
        return ["read"] if self.request.method == "GET" else ["write"]

    def get_tenant_id(self):
        """The caller's own."""
        return self.request.user.membership.tenant_id

    @transaction.atomic
    def create(self, request, *args, **kwargs):
        """Once for each key."""
        key = request.headers.get("Idempotency-Key")
        if not key:
            raise ValidationError({"Idempotency-Key": "This header is required."})
        fingerprint = hashlib.sha256(repr(request.data).encode()).hexdigest()
        record, is_new = IdempotencyKey.objects.get_or_create(
            user=request.user, key=key, defaults={"fingerprint": fingerprint}
        )
        if not is_new:
            if record.fingerprint != fingerprint:
                raise ValidationError({"Idempotency-Key": "This key was used for another request."})
            return Response(record.response, status=201)
        response = super().create(request, *args, **kwargs)
        AuditLog.objects.create(
            user=request.user, event="invoice.drafted", object_id=response.data["id"]
        )
        record.response = {name: str(value) for name, value in response.data.items()}
        record.save(update_fields=["response"])
        return response


urlpatterns = routes(InvoiceViewSet)
