"""The routes of invoices, and of what becomes of them."""

from django.urls import path

from apps.invoices.views import (
    CancellationViewSet,
    CreditNoteViewSet,
    InvoiceCreditNoteViewSet,
    InvoiceViewSet,
    IssuanceViewSet,
    PaymentViewSet,
    ReversalViewSet,
)

urlpatterns = [
    path("invoices", InvoiceViewSet.as_view({"get": "list", "post": "create"})),
    path(
        "invoices/<uuid:id>",
        InvoiceViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
    ),
    path("invoices/<uuid:id>/issuance", IssuanceViewSet.as_view({"post": "create"})),
    path("invoices/<uuid:id>/cancellation", CancellationViewSet.as_view({"post": "create"})),
    path("invoices/<uuid:id>/payments", PaymentViewSet.as_view({"get": "list", "post": "create"})),
    path(
        "invoices/<uuid:id>/payments/<uuid:payment_id>",
        PaymentViewSet.as_view({"get": "retrieve"}),
    ),
    path(
        "invoices/<uuid:id>/payments/<uuid:payment_id>/reversal",
        ReversalViewSet.as_view({"post": "create"}),
    ),
    path(
        "invoices/<uuid:id>/credit-notes",
        InvoiceCreditNoteViewSet.as_view({"get": "list", "post": "create"}),
    ),
    path("credit-notes", CreditNoteViewSet.as_view({"get": "list"})),
    path("credit-notes/<uuid:id>", CreditNoteViewSet.as_view({"get": "retrieve"})),
]
