"""The routes of invoices."""

from django.urls import path

from apps.invoices.views import InvoiceViewSet

urlpatterns = [
    path("invoices", InvoiceViewSet.as_view({"get": "list", "post": "create"})),
    path(
        "invoices/<uuid:id>",
        InvoiceViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
    ),
]
