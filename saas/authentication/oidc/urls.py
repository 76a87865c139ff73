"""The routes of OpenID Connect."""

from django.urls import path

from saas.authentication.oidc import views

urlpatterns = [
    path("oauth/userinfo", views.userinfo),
    path(".well-known/openid-configuration", views.configuration),
    path(".well-known/jwks.json", views.jwks),
]
