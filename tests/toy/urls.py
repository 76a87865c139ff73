"""The toy's attack surface."""

from django.urls import include, path

from tests.toy.views import CopyViewSet, NoteViewSet

notes = [
    path("notes", NoteViewSet.as_view({"get": "list", "post": "create"})),
    path(
        "notes/<uuid:id>",
        NoteViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
    ),
    path("notes/<uuid:id>/copies", CopyViewSet.as_view({"post": "create"})),
]
urlpatterns = [path("api/v1/", include(notes))]

handler400 = "saas.edge.handlers.bad_request"
handler403 = "saas.edge.handlers.forbidden"
handler404 = "saas.edge.handlers.not_found"
handler500 = "saas.edge.handlers.server_error"
