"""The toy's routes, and the authorization server's."""

from django.urls import include, path

from tests.toy.urls import handler400, handler403, handler404, handler500, urlpatterns

urlpatterns = [*urlpatterns, path("", include("saas.authentication.oauth.urls"))]
__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]
