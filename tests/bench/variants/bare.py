"""b and bk: a ModelViewSet that believes the tenant in a header. No authentication, no limits."""

from django.conf import settings
from django.urls import path
from rest_framework.pagination import CursorPagination, PageNumberPagination
from rest_framework.viewsets import ModelViewSet

from tests.bench.variants.models import Invoice
from tests.bench.variants.serializers import InvoiceSerializer, InvoiceSummarySerializer


class Newest(CursorPagination):
    """bk: newest first, by a cursor."""

    ordering = "-id"


class InvoiceViewSet(ModelViewSet):
    """The invoices of a tenant."""

    queryset = Invoice.objects.all()
    pagination_class = PageNumberPagination if settings.VARIANT == "b" else Newest

    def get_tenant_id(self):
        """Whatever the caller says."""
        return self.request.headers["X-Tenant"]

    def get_queryset(self):
        """Its invoices; a single one with its lines."""
        rows = super().get_queryset().filter(tenant_id=self.get_tenant_id()).order_by("-id")
        return rows if self.action == "list" else rows.prefetch_related("lines")

    def get_serializer_class(self):
        """A list has no lines."""
        return InvoiceSummarySerializer if self.action == "list" else InvoiceSerializer

    def get_serializer_context(self):
        """The serializer writes the tenant."""
        return super().get_serializer_context() | {"tenant_id": self.get_tenant_id()}


def routes(view):
    """The three requests."""
    return [
        path("invoices", view.as_view({"get": "list", "post": "create"})),
        path("invoices/<uuid:pk>", view.as_view({"get": "retrieve"})),
    ]


urlpatterns = routes(InvoiceViewSet)
