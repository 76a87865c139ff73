"""The routes of customers."""

from django.urls import path

from apps.customers.views import CustomerViewSet, DisclosureViewSet

urlpatterns = [
    path("customers", CustomerViewSet.as_view({"get": "list", "post": "create"})),
    path(
        "customers/<uuid:id>",
        CustomerViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
        ),
    ),
    path(
        "customers/<uuid:id>/bank-account-disclosure",
        DisclosureViewSet.as_view({"post": "create"}),
    ),
]
