"""The routes of the authorization server that machines call."""

from django.urls import path

from saas.authentication.oauth import views

urlpatterns = [
    path("oauth/token", views.token),
    path("oauth/revoke", views.revoke),
    path("oauth/introspect", views.introspect),
    path(".well-known/oauth-authorization-server", views.metadata),
]
